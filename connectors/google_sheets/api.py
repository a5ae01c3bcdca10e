"""The few requests of the Sheets v4 API that the connector needs, and what Google's refusals mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from relay.errors import Forbidden, Invalid, NotFound, RateLimited, Rejected, Unavailable, Unclear
from relay.http import GRACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.google_sheets.forms import SheetsOptions
    from connectors.google_sheets.token import Tokens
    from relay.http import Answer, Http

READ_MOST = 64 * 1024 * 1024
"""Bytes of an answer: the key column of a very long worksheet."""
Table = list[list[Any]]


class NoWorksheet(NotFound):
    """The spreadsheet is there, the worksheet is not."""


class SheetsApi:
    """One worksheet of one spreadsheet."""

    def __init__(self, http: Http, tokens: Tokens, options: SheetsOptions) -> None:
        self._http = http
        self._tokens = tokens
        self._url = f"{options.base_url}/v4/spreadsheets/{quote(options.spreadsheet, safe='')}"
        self._worksheet = options.worksheet

    def _named(self, area: str) -> str:
        return f"'{self._worksheet.replace(chr(39), chr(39) * 2)}'!{area}"

    async def values(self, areas: Sequence[str]) -> list[Table]:
        """The values of one or more areas (1:1, G:G), in one request.

        Raises:
            NoWorksheet: there is no such worksheet.
        """
        if len(areas) > 1:
            query = urlencode([("ranges", self._named(area)) for area in areas])
            try:
                found = await self._read(f"/values:batchGet?{query}")
            except NotFound as absent:
                if isinstance(absent, NoWorksheet):
                    raise
                return [(await self.values([area]))[0] for area in areas]  # a proxy that knows only values.get
            return [_table(one) for one in found.get("valueRanges", [])]
        return [_table(await self._read(f"/values/{quote(self._named(areas[0]), safe='')}"))]

    async def append(self, area: str, rows: Table) -> None:
        """Put rows below the table that the area lies in."""
        query = "valueInputOption=RAW&insertDataOption=INSERT_ROWS"
        where = quote(self._named(area), safe="")
        await self._write(f"/values/{where}:append?{query}", {"majorDimension": "ROWS", "values": rows})

    async def update(self, writes: Sequence[tuple[str, list[Any]]]) -> None:
        """Overwrite single rows; None leaves a cell as it is."""
        data = [{"range": self._named(area), "majorDimension": "ROWS", "values": [row]} for area, row in writes]
        await self._write("/values:batchUpdate", {"valueInputOption": "RAW", "data": data})

    async def properties(self) -> list[Mapping[str, Any]]:
        """What Google says of every worksheet: sheetId, title, gridProperties."""
        found = await self._read("?fields=sheets.properties")
        return [sheet.get("properties", {}) for sheet in found.get("sheets", [])]

    async def add_worksheet(self) -> None:
        """Make the worksheet; no harm is done when another was quicker."""
        try:
            await self._write(":batchUpdate", {"requests": [{"addSheet": {"properties": {"title": self._worksheet}}}]})
        except Invalid as refusal:
            if "already exists" not in str(refusal):
                raise

    async def widen(self, columns: int) -> None:
        """See to it that the worksheet is at least so many columns wide; writing beyond its edge is refused."""
        for sheet in await self.properties():
            if sheet.get("title") == self._worksheet:
                missing = columns - int(sheet.get("gridProperties", {}).get("columnCount", columns))
                if missing > 0:
                    more = {"sheetId": sheet.get("sheetId", 0), "dimension": "COLUMNS", "length": missing}
                    await self._write(":batchUpdate", {"requests": [{"appendDimension": more}]})

    async def _read(self, path: str) -> Any:
        try:
            return (await self._ask("GET", path, None)).json()
        except Unclear as unclear:  # reading changes nothing
            raise Unavailable(f"could not read the worksheet: {unclear}") from None

    async def _write(self, path: str, body: Mapping[str, Any]) -> None:
        (await self._ask("POST", path, body)).json()  # a page that is no JSON proves nothing

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        answer = await self._once(method, path, body)
        if answer.status == 401:  # noqa: PLR2004 - the token may have been revoked: one new one
            answer = await self._once(method, path, body)
        self._require(answer)
        return answer

    async def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        token = await self._tokens.get()
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self._http.request(method, self._url + path, json=body, headers=headers, cap=READ_MOST)
        if answer.status == 401:  # noqa: PLR2004 - HTTP's own number
            self._tokens.forget(token)
        return answer

    def _require(self, answer: Answer) -> None:
        said = _said(answer)
        match answer.status:
            case 400 if "Unable to parse range" in said:
                raise NoWorksheet(f"there is no worksheet {self._worksheet}", grace=GRACE)
            case 400:
                raise Invalid(f"Google Sheets did not accept this: {said}", grace=GRACE)
            case 403:
                raise Forbidden(self._forbidden(said), grace=GRACE)
            case 404:
                hint = "its id stands in its address between /d/ and /edit"
                raise NotFound(f"Google Sheets finds no such spreadsheet; {hint}", grace=GRACE)
            case 429:
                raise RateLimited("Google Sheets asks for fewer requests (60 a minute)", retry_after=answer.retry_after)
        try:
            answer.raise_for_status()
        except Rejected as refusal:
            raise type(refusal)(f"Google Sheets: {refusal}", grace=refusal.grace) from None

    def _forbidden(self, said: str) -> str:
        if "has not been used" in said or "is disabled" in said:
            return "the Google Sheets API is not switched on for the service account's project; enable it there"
        if "protected" in said:
            return f"the worksheet is protected; let {self._tokens.email} edit it"
        return f"the spreadsheet is not shared: open it, press Share, and add {self._tokens.email} as Editor"


def _table(found: Any) -> Table:
    values = found.get("values") if isinstance(found, dict) else None
    return values if isinstance(values, list) else []


def _said(answer: Answer) -> str:
    try:
        body = answer.json()
        return str(body["error"]["message"])[:300]
    except (Unclear, LookupError, TypeError):
        return ""
