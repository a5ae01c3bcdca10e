"""Keeps the ledger small and its sums right: retention by age and by size, and a look at it every minute."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.store import Store
    from relay.store.upkeep import Prunable, Pruned, Sizes

log = structlog.get_logger(__name__)

EVERY = 60.0
PAUSE = 0.02
"""Seconds between two batches, so that whoever else writes never waits behind more than one."""
WAL_MOST = 64 * 2**20
"""Bytes of log beyond which somebody should look: something reads for very long, or the disk cannot keep up."""
FEW, MANY = 100, 500
"""Events in a batch where each goes only for want of room: few of a small ledger, so that no more go than must."""
_DAY = 86400.0
_FILLED = 0.9
"""How full of its cap a ledger is left that had outgrown it."""


@dataclass(frozen=True)
class Retention:
    """How long what is kept, in seconds, and how large the ledger may be, in bytes."""

    bodies: float = 30 * _DAY
    transcripts: float = 7 * _DAY
    attempts: float = 90 * _DAY
    size: int = 2 * 10**9

    def cuts(self, now: float) -> tuple[tuple[Prunable, float], ...]:
        """What goes if it is older than when, Unix seconds; an event loses one thing after another.

        A body holds the words too, so the sooner of both counts for them; an event goes when nothing of it is kept.
        """
        bodies, words = now - self.bodies, now - min(self.transcripts, self.bodies)
        return (
            ("transcripts", words),
            ("bodies", bodies),
            ("texts", bodies),
            ("requests", bodies),
            ("attempts", now - self.attempts),
            ("events", now - max(self.attempts, self.bodies, self.transcripts)),
        )

    @property
    def batch(self) -> int:
        """Events that go together for want of room."""
        return min(max(FEW, self.size // 10**6), MANY)

    def outgrown(self, sizes: Sizes) -> bool:
        """Whether the oldest events must go, whatever their age."""
        return sizes.used > self.size

    def fits(self, sizes: Sizes) -> bool:
        """Whether enough of them have gone."""
        return sizes.used <= _FILLED * self.size


@dataclass(frozen=True)
class Tidied:
    """What went (or would go), the sizes before and after, and whether there is more to do."""

    rows: Mapping[str, int]
    before: Sizes
    after: Sizes
    done: bool = True

    def public(self) -> dict[str, Any]:
        """As JSON; sizes in bytes."""
        return {
            "rows": dict(self.rows),
            "bytes_before": self.before.file,
            "bytes_after": self.after.file,
            "done": self.done,
        }


class Upkeep:
    """Prunes, shrinks and checks a ledger."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        retention: Retention,
        *,
        pause: float = PAUSE,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`retention` may be swapped; `pause` is in seconds, and so are `ticks`."""
        self.retention = retention
        self._store = store
        self._clock = clock
        self._pause = pause
        self._ticks = ticks

    async def run(self) -> None:
        """Look after the ledger every minute."""
        while True:
            try:
                await self.check()
                came = await self.prune()
                if any(came.rows.values()):
                    log.info("pruned the ledger", **came.public())
            except StoreBusy as error:
                log.warning("the ledger could not be looked after", why=str(error))
            await asyncio.sleep(EVERY)

    async def check(self) -> None:
        """Raise or end the alerts about sums that are wrong and a log that grows."""
        wrong = (await self._store.balance()).wrong
        await self._alert(
            "ledger",
            wrong and f"the ledger's sums are wrong: {wrong}",
            "something was lost, or written past the relay; keep the file, and compare it with the last backup",
        )
        log_bytes = (await self._store.sizes()).wal
        await self._alert(
            "wal",
            f"the ledger's log has grown to {log_bytes / 10**6:.0f} MB" if log_bytes > WAL_MOST else None,
            "end whatever reads the file for minutes (a backup, sqlite3, a copy), or see whether the disk keeps up",
        )

    async def prune(self, seconds: float = math.inf) -> Tidied:
        """Let go of what retention no longer keeps, and give the room back; breaks off after so many seconds.

        Raises:
            StoreBusy: the ledger refused; what went before is gone.
        """
        end = self._ticks() + seconds
        before = await self._store.sizes()
        rows: dict[str, int] = {kind: await self._walk(self._store.prune, kind, cut, end) for kind, cut in self._cuts()}
        if self.retention.outgrown(await self._store.sizes()):
            batch = partial(self._store.prune, limit=self.retention.batch)
            rows["events"] += await self._walk(batch, "events", self._clock(), end, self._fits)
        await self._shrink(end)
        after = await self._store.sizes()
        done = self._ticks() <= end
        if done:
            await self._judge_size(after)
        return Tidied(rows, before, after, done)

    async def foresee(self) -> Tidied:
        """What `prune` would let go of by age; nothing is changed."""
        sizes = await self._store.sizes()
        would = self._store.prunable
        rows: dict[str, int] = {kind: await self._walk(would, kind, cut, math.inf) for kind, cut in self._cuts()}
        return Tidied(rows, sizes, sizes)

    def _cuts(self) -> tuple[tuple[Prunable, float], ...]:
        return self.retention.cuts(self._clock())

    async def _walk(
        self,
        batch: Callable[..., Awaitable[Pruned]],
        kind: Prunable,
        before: float,
        end: float,
        enough: Callable[[], Awaitable[bool]] | None = None,
    ) -> int:
        """Batch after batch, oldest first, until none are left, it is enough, or time is up; answers how many rows."""
        rows, came = 0, await batch(kind, before=before)
        while True:
            rows += came.rows
            if came.after is None or self._ticks() > end or (enough is not None and await enough()):
                return rows
            if came.rows:
                await asyncio.sleep(self._pause)
            came = await batch(kind, before=before, after=came.after)

    async def _fits(self) -> bool:
        return self.retention.fits(await self._store.sizes())

    async def _shrink(self, end: float) -> None:
        left, pages = math.inf, await self._store.shrink()
        while 0 < pages < left and self._ticks() <= end:
            await asyncio.sleep(self._pause)
            left, pages = pages, await self._store.shrink()

    async def _judge_size(self, sizes: Sizes) -> None:
        outgrown = self.retention.outgrown(sizes)
        size, cap = (f"{number / 10**6:.1f} MB" for number in (sizes.used, self.retention.size))
        await self._alert(
            "size",
            f"the ledger needs {size} of the {cap} it may have, and nothing more can go" if outgrown else None,
            "raise retention: size, or see what is owed and cannot be delivered (relay deliveries)",
        )

    async def _alert(self, cause: str, what: str | None, remedy: str) -> None:
        now = self._clock()
        if what is None:
            await self._store.close_alert(cause, now=now)
        elif await self._store.open_alert(cause, what, remedy, now=now):
            log.error(what, remedy=remedy)
