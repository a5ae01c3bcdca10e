"""A stand-in for Google: the token endpoint for service accounts, and the Sheets v4 API over one spreadsheet.

Requests, answers and errors after https://developers.google.com/workspace/sheets/api/reference/rest and
https://developers.google.com/identity/protocols/oauth2/service-account; quotas after
https://developers.google.com/workspace/sheets/api/limits.
"""

from __future__ import annotations

import json
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.standins.google_tokens import ServiceAccount
from relay.standins.server import StandIn
from relay.standins.sheet import CELL_MOST, Area, BadRange, Cell, Sheet, read_range

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SPREADSHEET = "1RelayStandInSpreadsheet"
MINUTE = 60.0
_GRID = ("rowCount", "columnCount")


class Refused(Exception):
    """Google's error answer."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(message)
        self.answer = web.json_response({"error": {"code": status, "message": message, "status": word}}, status=status)


class GoogleStandIn(StandIn):
    """One service account and one spreadsheet, which is shared with it until `shared` is set to False."""

    def __init__(self, *, reads_a_minute: int | None = 60, writes_a_minute: int | None = 60) -> None:
        super().__init__()
        self.account = ServiceAccount()
        self.spreadsheet = SPREADSHEET
        self.sheets: list[Sheet] = [Sheet("Sheet1", 0)]
        self.shared = True
        self.reads_a_minute = reads_a_minute
        self.writes_a_minute = writes_a_minute
        self._spent: dict[str, deque[float]] = {"reads": deque(), "writes": deque()}

    @property
    def base_url(self) -> str:
        """The address to put under `base_url:`."""
        return self.url

    def credentials(self) -> str:
        """The service account's key file, as JSON text whose token_uri is this stand-in."""
        return self.account.key_file(f"{self.url}/token")

    def table(self, title: str) -> list[list[Cell]]:
        """Everything on a worksheet, its header row first; empty when there is no such worksheet."""
        return next((sheet.read(Area()) for sheet in self.sheets if sheet.title == title), [])

    def rows(self, title: str) -> list[dict[str, Cell]]:
        """The rows below the header, by column; blank cells are left out."""
        table = self.table(title)
        header = [str(cell) for cell in table[0]] if table else []
        return [{name: cell for name, cell in zip(header, row, strict=False) if cell != ""} for row in table[1:]]

    def routes(self) -> list[web.RouteDef]:
        """Google tells methods apart by what follows a colon, so that one route takes each kind of address."""
        return [
            web.post("/token", self._token),
            web.get("/v4/spreadsheets/{spreadsheet}", self._answer(self._describe)),
            web.post("/v4/spreadsheets/{spreadsheet}:batchUpdate", self._answer(self._change)),
            web.get("/v4/spreadsheets/{spreadsheet}/values:batchGet", self._answer(self._get_many)),
            web.post("/v4/spreadsheets/{spreadsheet}/values:batchUpdate", self._answer(self._update_many)),
            web.get("/v4/spreadsheets/{spreadsheet}/values/{range}", self._answer(self._get)),
            web.put("/v4/spreadsheets/{spreadsheet}/values/{range}", self._answer(self._update)),
            web.post("/v4/spreadsheets/{spreadsheet}/values/{range}:append", self._answer(self._append)),
        ]

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        status, body = self.account.exchange(dict(form), audience=f"{self.url}/token")
        return web.json_response(body, status=status)

    def _answer(
        self, act: Callable[[web.Request], Awaitable[dict[str, Any]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                self._admit(request)
                return web.json_response(await act(request))
            except Refused as refused:
                return refused.answer
            except BadRange as bad:
                return Refused(400, "INVALID_ARGUMENT", str(bad)).answer

        return handle

    def _admit(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not self.account.knows(token):
            raise Refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        self._spend("reads" if request.method == "GET" else "writes")
        if request.match_info["spreadsheet"] != self.spreadsheet:
            raise Refused(404, "NOT_FOUND", "Requested entity was not found.")
        if not self.shared:
            raise Refused(403, "PERMISSION_DENIED", "The caller does not have permission")

    def _spend(self, kind: str) -> None:
        most = self.reads_a_minute if kind == "reads" else self.writes_a_minute
        spent, now = self._spent[kind], time.monotonic()
        while spent and spent[0] <= now - MINUTE:
            spent.popleft()
        if most is not None and len(spent) >= most:
            message = f"Quota exceeded for quota metric '{kind.title()}' and limit '{kind.title()} per minute per user'"
            raise Refused(429, "RESOURCE_EXHAUSTED", message)
        spent.append(now)

    def _at(self, text: str) -> tuple[Sheet, Area]:
        title, area = read_range(text, [sheet.title for sheet in self.sheets])
        return next(sheet for sheet in self.sheets if sheet.title == title), area

    async def _describe(self, _: web.Request) -> dict[str, Any]:
        return {"spreadsheetId": self.spreadsheet, "sheets": [_properties(sheet) for sheet in self.sheets]}

    async def _change(self, request: web.Request) -> dict[str, Any]:
        body = await _body(request)
        asked = body.get("requests") or []
        if not asked:
            raise Refused(400, "INVALID_ARGUMENT", "Must specify at least one request.")
        return {"spreadsheetId": self.spreadsheet, "replies": [self._apply(one) for one in asked]}

    def _apply(self, one: dict[str, Any]) -> dict[str, Any]:
        if "addSheet" in one:
            wanted = one["addSheet"].get("properties", {})
            title = wanted.get("title") or f"Sheet{len(self.sheets) + 1}"
            if any(sheet.title.casefold() == title.casefold() for sheet in self.sheets):
                message = f'Invalid requests[0].addSheet: A sheet with the name "{title}" already exists.'
                raise Refused(400, "INVALID_ARGUMENT", message)
            size = [wanted.get("gridProperties", {}).get(word) for word in _GRID]
            sheet = Sheet(title, len(self.sheets) * 7919, size[0] or 1000, size[1] or 26)
            self.sheets.append(sheet)
            return {"addSheet": _properties(sheet)}
        if "appendDimension" in one:
            wanted = one["appendDimension"]
            sheet = next(sheet for sheet in self.sheets if sheet.id == wanted.get("sheetId", 0))
            if wanted["dimension"] == "COLUMNS":
                sheet.columns += wanted["length"]
            else:
                sheet.rows += wanted["length"]
            return {}
        raise Refused(400, "INVALID_ARGUMENT", "Invalid requests[0]: this stand-in knows no such request.")

    def _values(self, text: str) -> dict[str, Any]:
        sheet, area = self._at(text)
        values = sheet.read(area)
        full = Area(area.top, area.left, area.bottom or sheet.rows, area.right or sheet.columns)
        answer: dict[str, Any] = {"range": sheet.name(full), "majorDimension": "ROWS"}
        return answer | ({"values": values} if values else {})

    async def _get(self, request: web.Request) -> dict[str, Any]:
        return self._values(request.match_info["range"])

    async def _get_many(self, request: web.Request) -> dict[str, Any]:
        found = [self._values(text) for text in request.query.getall("ranges", [])]
        return {"spreadsheetId": self.spreadsheet, "valueRanges": found}

    def _write(self, text: str, values: Any) -> dict[str, Any]:
        sheet, area = self._at(text)
        return self._told(sheet, sheet.write(area, _sound(values)))

    async def _update(self, request: web.Request) -> dict[str, Any]:
        _must_be_raw(request.query.get("valueInputOption"))
        body = await _body(request)
        return self._write(request.match_info["range"], body.get("values"))

    async def _update_many(self, request: web.Request) -> dict[str, Any]:
        body = await _body(request)
        _must_be_raw(body.get("valueInputOption"))
        data = body.get("data") or []
        for one in data:  # all or nothing: whatever cannot be read is found before anything is written
            self._at(one["range"])
            _sound(one.get("values"))
        return {"spreadsheetId": self.spreadsheet, "responses": [self._write(d["range"], d["values"]) for d in data]}

    async def _append(self, request: web.Request) -> dict[str, Any]:
        _must_be_raw(request.query.get("valueInputOption"))
        body = await _body(request)
        sheet, area = self._at(request.match_info["range"])
        insert = request.query.get("insertDataOption") == "INSERT_ROWS"
        table, written = sheet.append(area, _sound(body.get("values")), insert=insert)
        answer: dict[str, Any] = {"spreadsheetId": self.spreadsheet, "updates": self._told(sheet, written)}
        return answer | ({"tableRange": sheet.name(table)} if table else {})

    def _told(self, sheet: Sheet, area: Area) -> dict[str, Any]:
        rows, columns = (area.bottom or 0) - area.top, (area.right or 0) - area.left
        return {
            "spreadsheetId": self.spreadsheet,
            "updatedRange": sheet.name(area),
            "updatedRows": rows,
            "updatedColumns": columns,
            "updatedCells": rows * columns,
        }


def _properties(sheet: Sheet) -> dict[str, Any]:
    grid = dict(zip(_GRID, (sheet.rows, sheet.columns), strict=True))
    return {"properties": {"sheetId": sheet.id, "title": sheet.title, "gridProperties": grid}}


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
    return body


def _must_be_raw(option: Any) -> None:
    if option not in {"RAW", "USER_ENTERED"}:
        raise Refused(400, "INVALID_ARGUMENT", "'valueInputOption' is required but not specified")
    if option != "RAW":  # Google takes it; the relay must never ask for it, as it turns text into formulas
        raise Refused(400, "INVALID_ARGUMENT", "this stand-in refuses USER_ENTERED: a caller could write a formula")


def _sound(values: Any) -> list[list[Any]]:
    if not isinstance(values, list) or not all(isinstance(row, list) for row in values):
        raise Refused(400, "INVALID_ARGUMENT", "Invalid value at 'data.values' (type_list)")
    for cell in (cell for row in values for cell in row):
        if not isinstance(cell, (str, int, float, bool, type(None))):
            raise Refused(400, "INVALID_ARGUMENT", "Invalid values[0][0]: struct_value")
        if isinstance(cell, str) and len(cell) > CELL_MOST:
            message = f"Your input contains more than the maximum of {CELL_MOST} characters in a single cell."
            raise Refused(400, "INVALID_ARGUMENT", message)
    return values
