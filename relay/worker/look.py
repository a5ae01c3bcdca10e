"""What one look at the ledger asks, and how what it brings is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from relay.store import Claimed

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


async def all_of(
    first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B], third: Coroutine[Any, Any, C]
) -> tuple[A, B, C]:
    """All three, at once; a failure is raised when all have ended."""
    one, two, three = asyncio.ensure_future(first), asyncio.ensure_future(second), asyncio.ensure_future(third)
    await asyncio.wait((one, two, three))
    failures = [failed for task in (one, two, three) if (failed := task.exception()) is not None]
    if failures:
        raise failures[0]
    return one.result(), two.result(), three.result()


def groups(claimed: Iterable[Claimed]) -> list[tuple[str, list[Claimed]]]:
    """What is sent together: the jobs of one lane, or one job."""
    lanes: dict[tuple[str, str], list[Claimed]] = {}
    for item in claimed:
        lane = item.delivery.lane
        key = lane if lane is not None else f"\x00{item.delivery.id}"
        lanes.setdefault((item.delivery.connector, key), []).append(item)
    return [(connector, group) for (connector, _), group in lanes.items()]
