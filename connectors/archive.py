"""Appends to a file on the relay's own machine: JSON lines for machines, CSV for spreadsheets.

- A line is on the disk (fsync) before the delivery counts as done; a second try looks for its key first.
- A cell that a spreadsheet would take for a formula gets an apostrophe in front, every cell is quoted
  (https://owasp.org/www-community/attacks/CSV_Injection); phone numbers therefore read '+13125550101.
- Rotation renames the full file, to calls-2026-03-01.csv; nothing is deleted.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from relay.connector import PLAIN, Batch, Connector, Form, Job, LocalPath, Receipt
from relay.errors import DeliveryFailed, Invalid, Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KEY = "Relay key"
"""The last column, or the field of a JSON line, that tells one delivery from another."""
ROWS = 500
_FORMULA = re.compile("[\\s\u200b-\u200f\u2060\ufeff]*[=+\\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""Also behind blanks and marks that nobody sees, which spreadsheets trim; | and % begin formulas in older ones."""
_NAMES = {"daily": "%Y-%m-%d", "monthly": "%Y-%m"}


class ArchiveOptions(Form):
    """Where the file is, and what it looks like."""

    path: LocalPath
    format: Literal["jsonl", "csv"] = "jsonl"
    rotate: Literal["never", "daily", "monthly"] = "monthly"
    """By the clock in UTC, at the first line of a new day or month; the file that grows keeps its name."""
    columns: list[str] = Field(default_factory=list)
    """Of a CSV file, in this order; what a step writes beside them is refused."""

    @model_validator(mode="after")
    def _columns_of_a_table(self) -> ArchiveOptions:
        if self.format == "csv" and not self.columns:
            raise ValueError("a CSV file needs its `columns`, so that every line has the same")
        if len(set(self.columns)) < len(self.columns) or KEY in self.columns:
            raise ValueError(f"`columns` holds a name twice, or {KEY!r}, which is the relay's own")
        return self


class ArchiveAction(Form):
    """One line; without a row, the event as JSON (JSON lines only)."""

    row: Annotated[dict[str, Any], PLAIN] = Field(default_factory=dict)


class Archive(Connector[ArchiveOptions, ArchiveAction]):
    """One file."""

    Options = ArchiveOptions
    Action = ArchiveAction

    def lane(self, action: ArchiveAction) -> str:  # noqa: ARG002 - one file, one writer
        """The file."""
        return str(self.options.path)

    def batch(self) -> Batch:
        """Whatever waits is written and synced together."""
        return Batch(ROWS, 0.0)

    async def send(self, job: Job[ArchiveAction]) -> Receipt:
        """Append one line.

        Raises:
            Unavailable: the disk does not take it (full, read-only).
            Rejected: the row does not fit the file.
        """
        (result,) = await self.send_batch([job])
        if isinstance(result, DeliveryFailed):
            raise result
        return result

    async def send_batch(self, jobs: Sequence[Job[ArchiveAction]]) -> Sequence[Receipt | DeliveryFailed]:
        """Append their lines in one write; a row that does not fit spoils only its own."""
        # shielded: a thread that writes cannot be stopped midway, so its lane must wait for it
        return await asyncio.shield(asyncio.to_thread(self._append, jobs))

    async def check(self) -> None:
        """See whether the folder takes files.

        Raises:
            Rejected: it does not.
        """
        await asyncio.to_thread(self._require_folder)

    def _require_folder(self) -> None:
        folder = self.options.path.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise Rejected(f"the folder {folder.name or folder} is not there or may not be written to")

    def _append(self, jobs: Sequence[Job[ArchiveAction]]) -> list[Receipt | DeliveryFailed]:
        results: list[Receipt | DeliveryFailed] = []
        lines: list[tuple[datetime, str]] = []
        for job in jobs:
            try:
                line = self._line(job)
                if not (job.tries and self._holds(job.key)):
                    lines.append((_moment(job), line))
                results.append(Receipt(id=job.key, created=True))
            except DeliveryFailed as failure:
                results.append(failure)
        try:
            for moment, line in lines:
                self._write(moment, line)
        except OSError as error:
            why = Unavailable(f"{self.options.path.name} cannot be written: {error.strerror}")
            return [result if isinstance(result, DeliveryFailed) else why for result in results]
        return results

    def _write(self, moment: datetime, line: str) -> None:
        path = self.options.path
        self._rotate(moment)
        with path.open("a", encoding="utf-8", newline="") as file:
            if file.tell() == 0 and self.options.format == "csv":
                file.write(_csv([*self.options.columns, KEY]))
            elif file.tell() and not _ends_whole(path):
                file.write("\n")  # a line that a crash cut short stays visible, and spoils no other
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _rotate(self, moment: datetime) -> None:
        """Set the file aside when its last line is of an earlier day or month."""
        path, style = self.options.path, _NAMES.get(self.options.rotate)
        if style is None or not path.exists():
            return
        last = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime(style)
        if last < moment.strftime(style):
            target, number = path.with_stem(f"{path.stem}-{last}"), 2
            while target.exists():
                target, number = path.with_stem(f"{path.stem}-{last}-{number}"), number + 1
            path.rename(target)

    def _line(self, job: Job[ArchiveAction]) -> str:
        row = job.action.row
        if self.options.format == "jsonl":
            return json.dumps({**(row or job.event), KEY: job.key}, ensure_ascii=True, default=str) + "\n"
        strange = [name for name in row if name not in self.options.columns]
        if strange:
            known = ", ".join(self.options.columns)
            raise Invalid(f"{strange[0]!r} is no column of {self.options.path.name}; it has {known}")
        return _csv([*(row.get(column) for column in self.options.columns), job.key])

    def _holds(self, key: str) -> bool:
        """Whether an earlier try, which was not settled, wrote this line."""
        for path in self._files():
            with path.open(encoding="utf-8", errors="replace") as file:
                if any(key in line for line in file):
                    return True
        return False

    def _files(self) -> Iterator[Path]:
        """The file, and the one that was set aside last."""
        path = self.options.path
        aside = sorted(path.parent.glob(f"{path.stem}-*{path.suffix}"), key=lambda each: each.stat().st_mtime)
        yield from (each for each in (path, *aside[-1:]) if each.exists())


def _csv(cells: Sequence[Any]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerow([_inert(cell) for cell in cells])
    return written.getvalue().encode("utf-8", "replace").decode()


def _inert(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if _FORMULA.match(text) else text


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _moment(job: Job[ArchiveAction]) -> datetime:
    return datetime.fromtimestamp(job.now, UTC)
