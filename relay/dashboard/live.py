"""Pages that keep themselves up to date: each is drawn once for everybody who has it open, when something happened."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from relay.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

log = structlog.get_logger(__name__)
Topic = TypeVar("Topic")

EVERY = 1.0
"""Seconds between two looks, at least."""
SHARE = 20.0
"""Drawing may take one part in so many of the time: under load the pages grow slower, and not the door."""
ANYHOW = 30.0
"""Seconds after which a page is drawn even if nothing happened: it also tells how long ago things were."""


class Live(Generic[Topic]):
    """Who has which page open."""

    def __init__(
        self, pulse: Callable[[], Awaitable[tuple[int, ...]]], draw: Callable[[Topic], Awaitable[str]]
    ) -> None:
        """`pulse` changes whenever something happened; `draw` draws what a topic shows."""
        self._pulse = pulse
        self._draw = draw
        self._open: dict[Topic, set[asyncio.Queue[str]]] = {}
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def listen(self, topic: Topic) -> AsyncIterator[asyncio.Queue[str]]:
        """A queue that holds the latest drawing that was not taken yet."""
        queue: asyncio.Queue[str] = asyncio.Queue(1)
        self._open.setdefault(topic, set()).add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            yield queue
        finally:
            self._open[topic].discard(queue)
            if not self._open[topic]:
                del self._open[topic]

    async def fill(self, queue: asyncio.Queue[str], topic: Topic) -> None:
        """Draw it for one who has just come, unless something newer waits there by then."""
        drawn = await self._draw(topic)
        if queue.empty():
            queue.put_nowait(drawn)

    def wake(self) -> None:
        """Let everybody look up, with nothing drawn."""
        for queue in [queue for queues in self._open.values() for queue in queues]:
            _put(queue, "")

    async def _run(self) -> None:
        """Look while anybody listens."""
        before: tuple[int, ...] | None = None
        drawn_at, shown = time.monotonic(), dict[Topic, str]()
        while self._open:
            began = time.monotonic()
            try:
                pulse = await self._pulse()
                if before is None:
                    before = pulse
                if pulse != before or began - drawn_at > ANYHOW:
                    before, drawn_at = pulse, began
                    await self._redraw(shown)
            except StoreBusy:
                log.info("open pages wait for the ledger")
            took = time.monotonic() - began
            await asyncio.sleep(max(EVERY, SHARE * took))

    async def _redraw(self, shown: dict[Topic, str]) -> None:
        for topic in list(self._open):
            try:
                page = await self._draw(topic)
            except StoreBusy:
                raise
            except Exception:
                log.exception("an open page could not be drawn again")
                continue
            if shown.get(topic) == page:
                continue
            shown[topic] = page
            for queue in self._open.get(topic, ()):
                _put(queue, page)


def _put(queue: asyncio.Queue[str], drawn: str) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(drawn)
