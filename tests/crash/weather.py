"""Bad network between all parts: a TCP proxy that delays, cuts into slices, goes silent, and resets."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

LATENCY = 0.2
"""Seconds that a piece is late at most."""
RESETS, SILENCES, SLICES = 0.05, 0.02, 0.05
"""Shares of connections."""
SLICED = 2000
"""Bytes that come one by one, before the rest comes whole."""
SILENT = 8.0
_PIECE = 16 * 1024


class Proxy:
    """Stands before one address, which may change; nothing goes wrong once `calm`."""

    def __init__(self, target: Callable[[], str], dice: random.Random) -> None:
        """`target` answers the address (a URL) behind it now; empty while there is none."""
        self.seen: Counter[str] = Counter()
        self.calm = False
        self.url = ""
        self._target = target
        self._dice = dice
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        behind = urlsplit(self._target())
        fault = "none" if self.calm else self._draw()
        self.seen[fault] += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                if not behind.port:
                    return
                there, back = await asyncio.open_connection(behind.hostname, behind.port)
                try:
                    await self._join((reader, back), (there, writer), fault)
                finally:
                    back.transport.abort()
            finally:
                writer.transport.abort()

    def _draw(self) -> str:
        roll = self._dice.random()
        for share, fault in ((RESETS, "reset"), (SILENCES, "silence"), (SLICES, "slices")):
            if roll < share:
                return fault
            roll -= share
        return "late"

    async def _join(
        self,
        out: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        back: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        fault: str,
    ) -> None:
        """Carry both ways until either side ends; a reset comes after some bytes, there or back."""
        limits = {out: self._dice.randrange(600), back: self._dice.randrange(300)}
        pumps = [asyncio.ensure_future(self._pump(*way, fault, limit)) for way, limit in limits.items()]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: str, limit: int) -> None:
        carried = 0
        while piece := await reader.read(_PIECE):
            if fault == "silence":
                await asyncio.sleep(SILENT)
                return
            if fault == "reset" and carried + len(piece) > limit:
                writer.write(piece[: limit - carried])
                await writer.drain()
                return
            if fault != "none":
                await asyncio.sleep(self._dice.uniform(0, LATENCY))
            if fault == "slices" and carried < SLICED:
                for place in range(len(piece)):
                    writer.write(piece[place : place + 1])
                    await writer.drain()
                    await asyncio.sleep(0)
            else:
                writer.write(piece)
                await writer.drain()
            carried += len(piece)
