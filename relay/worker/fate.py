"""Texts of unknown fate, settled by the phone system's own list of texts; none of them is ever sent again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import ValidationError

from relay.errors import Unavailable
from relay.models import Delivery, SendText, State
from relay.store import Settlement
from relay.texting import PhoneConnector, SentText, find_sent
from relay.worker.move import told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.store import Claimed, Store
    from relay.worker.channel import Channel

LEASE = 60.0
"""Seconds for which a look-up holds its texts."""
_PATIENCE = 25.0
"""Seconds for one reading of the list; two of them fit into the lease."""
_OF_ONE = 1000
"""Texts to one person that are looked through."""
_AGAIN = 30.0
"""Seconds until a look-up that told nothing is tried again."""


async def taken(store: Store, unknown: Sequence[Claimed]) -> frozenset[str]:
    """The ids of the texts to the same people whose fate is known: none of them answers for one of these."""
    people = {str((claimed.delivery.action or {}).get("to")) for claimed in unknown}
    texts = [text for person in people for text in await store.texts_page(limit=_OF_ONE, person=person)]
    return frozenset(text["provider_id"] for text in texts if text["provider_id"])


async def settle_unknown(
    unknown: Sequence[Claimed], channels: Mapping[str, Channel], taken: frozenset[str], clock: Callable[[], float]
) -> list[Settlement]:
    """What became of each: read twice, believed when both readings agree. `taken` are the ids of other texts.

    Two readings do for all of them: a long list that is read for each would outlast the lease.
    """
    settlements = []
    for name in {claimed.delivery.connector for claimed in unknown}:
        deliveries = [claimed.delivery for claimed in unknown if claimed.delivery.connector == name]
        try:
            readings = [await _read(channels.get(name), min(map(_began, deliveries))) for _ in range(2)]
        except Exception as error:  # noqa: BLE001 - whatever went wrong, their fate is not known yet
            settlements += [_later(delivery, f"not settled yet: {told(error)}", clock()) for delivery in deliveries]
            continue
        now = clock()
        for delivery in deliveries:
            first, second = (_find(delivery, listed, taken) for listed in readings)
            settlement = _settled(delivery, first, second, now)
            # The same words may have gone to the same person twice: each listed text answers for one of ours.
            taken |= {settlement.provider_id} if settlement.provider_id else frozenset()
            settlements.append(settlement)
    return settlements


def _began(delivery: Delivery) -> float:
    return delivery.first_due_at if delivery.first_due_at is not None else delivery.born_at


async def _read(channel: Channel | None, since: float) -> Mapping[str | None, list[SentText]]:
    """What is listed, by recipient."""
    if channel is None or not isinstance(channel.connector, PhoneConnector):
        raise Unavailable("the phone system is not set up")
    async with asyncio.timeout(_PATIENCE):
        listed = await channel.connector.sent_texts(since)
    found: dict[str | None, list[SentText]] = {}
    for text in listed:
        found.setdefault(text.to, []).append(text)
    return found


def _find(delivery: Delivery, listed: Mapping[str | None, list[SentText]], taken: frozenset[str]) -> SentText | None:
    """The listed text that is this one; an action that cannot be read was never sent."""
    try:
        text = SendText.model_validate(dict(delivery.action or {}))
    except ValidationError:
        return None
    return find_sent(text, _began(delivery), listed.get(text.to, ()), taken)


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
