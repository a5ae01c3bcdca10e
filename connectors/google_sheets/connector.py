"""The connector: looks, plans, writes, and looks again when an answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.google_sheets.api import NoWorksheet, SheetsApi
from connectors.google_sheets.forms import Row, SheetsOptions
from connectors.google_sheets.plan import KEY_COLUMN, Found, Name, letters, merged, plan, read_header, read_places
from relay.connector import Batch, Connector, Job, Receipt
from relay.errors import DeliveryFailed, Invalid, Unclear

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from relay.http import Http

Result = Receipt | DeliveryFailed


class GoogleSheets(Connector[SheetsOptions, Row]):
    """One worksheet."""

    Options = SheetsOptions
    Action = Row

    def __init__(self, options: SheetsOptions, http: Http) -> None:
        from connectors.google_sheets.token import tokens_of  # noqa: PLC0415 - 10 MB, and only a sheet needs it

        super().__init__(options, http)
        tokens = tokens_of(options.credentials, http)
        self._api = SheetsApi(http, tokens, options)
        self._seen_at: dict[str, int] = {}
        """Where key columns stood when last seen; only to ask for header and keys at once."""

    def batch(self) -> Batch:
        """As the options say: 50 rows or 10 seconds."""
        return Batch(self.options.batch.rows, self.options.batch.or_after)

    def lane(self, action: Row) -> str:  # noqa: ARG002 - part of the seam
        """The worksheet: two writers at once could take the same row."""
        return self.options.worksheet

    async def send(self, job: Job[Row]) -> Receipt:
        """Write one row.

        Raises:
            Unavailable, Rejected: nothing was written.
            Unclear: it may have been; the next try looks for the key first.
        """
        (result,) = await self.send_batch([job])
        if isinstance(result, DeliveryFailed):
            raise result
        return result

    async def send_batch(self, jobs: Sequence[Job[Row]]) -> list[Result]:
        """Write many rows with one read and at most two writes."""
        names = [_name(job) for job in jobs]
        wanted = merged(zip(names, (job.action.row for job in jobs), strict=True))
        results: dict[Name, Result] = {}
        try:
            await self._settle(wanted, results)
        except DeliveryFailed as failure:
            results = {name: results.get(name, failure) for name in wanted}
        return [results[name] for name in names]

    async def _settle(self, wanted: Mapping[Name, Mapping[str, Any]], results: dict[Name, Result]) -> None:
        found = await self._look_or_make({column for column, _ in wanted})
        writes = plan(found, wanted)
        if writes.added:
            await self._api.widen(len(writes.header))
        if writes.updates:
            await self._api.update(writes.updates)
        self._seen_at = {column: writes.header.index(column) for column, _ in wanted}
        new = [name for name in wanted if found.place(name) is None]
        results.update({name: self._receipt(name, created=False) for name in wanted if name not in new})
        if new:
            await self._append(writes.header, writes.appends, new, results)

    async def _append(
        self, header: Sequence[str], rows: Sequence[list[Any]], new: Sequence[Name], results: dict[Name, Result]
    ) -> None:
        try:
            await self._api.append(f"A1:{letters(len(header) - 1)}1", list(rows))
        except Unclear as unclear:
            results.update(dict.fromkeys(new, unclear))
            new = await self._arrived(new)
        results.update({name: self._receipt(name, created=True) for name in new})

    async def _arrived(self, names: Sequence[Name]) -> list[Name]:
        """Which of these rows are there after all; none when that cannot be seen now."""
        try:
            found = await self._look({column for column, _ in names})
        except DeliveryFailed:
            return []
        return [name for name in names if found.place(name) is not None]

    async def check(self) -> None:
        """Read the names of the worksheets: proves key, token and sharing, though not the right to edit."""
        await self._api.properties()

    async def _look_or_make(self, key_columns: set[str]) -> Found:
        try:
            return await self._look(key_columns)
        except NoWorksheet:
            await self._api.add_worksheet()
            return await self._look(key_columns)

    async def _look(self, key_columns: set[str]) -> Found:
        """The header and the keys; in one request when the key columns stand where they stood last."""
        guess = {name: self._seen_at[name] for name in sorted(key_columns) if name in self._seen_at}
        try:
            first, *columns = await self._api.values(["1:1", *(_whole(place) for place in guess.values())])
        except Invalid:
            if not guess:
                raise
            self._seen_at.clear()  # people took columns away
            return await self._look(key_columns)
        header = read_header(first)
        tables = {name: table for name, table in zip(guess, columns, strict=True) if guess[name] == _at(header, name)}
        moved = [name for name in sorted(key_columns) if name in header and name not in tables]
        if moved:
            more = await self._api.values([_whole(header.index(name)) for name in moved])
            tables |= dict(zip(moved, more, strict=True))
        self._seen_at = {name: header.index(name) for name in tables}
        return Found(header, {name: read_places(table) for name, table in tables.items()})

    def _receipt(self, name: Name, *, created: bool) -> Receipt:
        url = f"https://docs.google.com/spreadsheets/d/{self.options.spreadsheet}"
        return Receipt(id=name[1], url=url, created=created)


def _name(job: Job[Row]) -> Name:
    """Without a key of the owner's the delivery's own serves, or a lost answer would become a second row."""
    return job.action.key_column or KEY_COLUMN, job.action.key or job.key


def _whole(column: int) -> str:
    return f"{letters(column)}:{letters(column)}"


def _at(header: Sequence[str], name: str) -> int | None:
    return header.index(name) if name in header else None
