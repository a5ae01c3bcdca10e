"""What is done with what the ledger still owes when a relay starts, or when its settings change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from relay.models import CALLSCALER
from relay.rules.steps import RELAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.store import Store

log = structlog.get_logger(__name__)


async def take_up(store: Store, *, settle: float, now: float) -> float | None:
    """Free what an earlier process held, and erase again whom a restored copy brought back.

    `settle` is how long an unclear text waits, in seconds. Answers the moment of the newest event, Unix seconds; None
    where there is none.

    Raises:
        StoreBusy: the ledger refused.
    """
    freed = await store.free_leases(now=now, settle=settle, everything=True)
    if freed:
        log.info("taken up again what was under way", deliveries=freed)
    newest = await store.events(limit=1)
    if await store.restored():
        erased = await store.forget_again(now=now)
        log.error("this ledger was restored from a copy: texts are held until `relay texts on --after-restore`")
        if erased:
            log.warning("people who were erased after that copy was made are erased again", rows=erased)
    return newest[0].received_at if newest else None


async def bury_orphans(store: Store, connectors: Iterable[str], *, now: float) -> None:
    """What is owed to a connector that is not among these any more is dead, with the reason.

    Raises:
        StoreBusy: the ledger refused.
    """
    kept = {*connectors, CALLSCALER, RELAY}
    for name in await store.owed_connectors() - kept:
        buried = await store.bury(name, f"there is no connector {name} any more", now=now)
        log.error("owed to a connector that is no longer set up", connector=name, deliveries=buried)
