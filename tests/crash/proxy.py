"""A wire between relays and their database that breaks on request: at any moment, or just after a commit was done."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

_COMMIT = b"commit\x00"


class Proxy:
    """Passes everything on to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.broken = 0
        """Connections that were cut between a commit and its answer."""
        self._to = port
        self._cut = 0
        self._server: asyncio.Server | None = None
        self._open: set[StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut_all()
        await asyncio.sleep(0)

    def cut_all(self) -> None:
        """Every connection breaks now."""
        for writer in self._open:
            writer.transport.abort()

    def cut_after_commits(self, count: int) -> None:
        """The next so many commits are done, and nobody hears of it."""
        self._cut = count

    async def _pass(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        doomed = asyncio.Event()
        with contextlib.suppress(OSError):
            await asyncio.gather(
                self._copy(reader, back, doomed, asks=True), self._copy(there, writer, doomed, asks=False)
            )
        for side in (writer, back):
            self._open.discard(side)
            side.transport.abort()

    async def _copy(self, source: StreamReader, target: StreamWriter, doomed: asyncio.Event, *, asks: bool) -> None:
        while data := await source.read(65536):
            if asks and self._cut and _COMMIT in data:
                self._cut -= 1
                doomed.set()
            elif not asks and doomed.is_set():
                self.broken += 1
                break
            target.write(data)
            await target.drain()
        for writer in (target,):
            writer.transport.abort()
