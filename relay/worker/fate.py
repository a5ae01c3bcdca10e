"""Texts of unknown fate, settled by the phone system's own list of texts; none of them is ever sent again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relay.errors import Unavailable
from relay.models import Delivery, SendText, State
from relay.store import Settlement
from relay.texting import PhoneConnector, SentText, find_sent
from relay.worker.move import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.store import Claimed
    from relay.worker.channel import Channel

LEASE = 60.0
"""Seconds for which a look-up holds its texts."""
_PATIENCE = 25.0
"""Seconds for one reading of the list; two of them fit into the lease."""
_AGAIN = 30.0
"""Seconds until a look-up that told nothing is tried again."""


async def settle_unknown(
    unknown: Sequence[Claimed], channels: Mapping[str, Channel], taken: frozenset[str], now: float
) -> list[Settlement]:
    """What became of each: read twice, believed when both readings agree. `taken` are the ids of other texts."""
    settlements = []
    for claimed in unknown:
        delivery = claimed.delivery
        try:
            first, second = [await _find(delivery, channels.get(delivery.connector), taken) for _ in range(2)]
        except Exception as error:  # noqa: BLE001 - whatever went wrong, its fate is not known yet
            settlements.append(_later(delivery, f"not settled yet: {told(error)}", now))
            continue
        settlement = _settled(delivery, first, second, now)
        # The same words may have gone to the same person twice: each listed text answers for one of ours.
        taken |= {settlement.provider_id} if settlement.provider_id else frozenset()
        settlements.append(settlement)
    return settlements


async def _find(delivery: Delivery, channel: Channel | None, taken: frozenset[str]) -> SentText | None:
    if channel is None or not isinstance(channel.connector, PhoneConnector):
        raise Unavailable("the phone system is not set up")
    text = SendText.model_validate(dict(delivery.action or {}))
    began = delivery.first_due_at if delivery.first_due_at is not None else delivery.born_at
    async with asyncio.timeout(_PATIENCE):
        return find_sent(text, began, await channel.connector.sent_texts(began), taken)


def _settled(delivery: Delivery, first: SentText | None, second: SentText | None, now: float) -> Settlement:
    if (first and first.id) != (second and second.id):
        return _later(delivery, "two readings of the list of texts differ", now)
    if first is None:
        gone = "its fate was unknown, and the phone system does not list it; it is not sent again"
        return Settlement(delivery.moved(State.ABANDONED, reason=gone, settled_at=now))
    found = "found in the phone system's list"
    receipt = {"id": first.id}
    return Settlement(delivery.moved(State.DELIVERED, reason=found, receipt=receipt, settled_at=now), None, first.id)


def _later(delivery: Delivery, reason: str, now: float) -> Settlement:
    return Settlement(delivery.moved(State.UNKNOWN, reason=reason, due_at=now + _AGAIN))
