"""Calls from every zone at every hour, and every text held against the clocks on the walls where people live.

The windows are reckoned by the zone rules of the standard library, not by the code that is tested.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from relay import phone
from relay.hours import STATES
from relay.texting import Limit
from tests.rules.shop import Shop

UTC = dt.UTC
BACK = "{name: Back, guards: {cooldown: {for: 5m}}, then: [{text: caller, body: hi, at_most: 16h}]}"
PEOPLE = tuple(
    f"+1{area}5550101"
    for area in ("212", "312", "303", "602", "213", "907", "808", "208", "605", "850", "214", "203", "506")
)
"""New York, Chicago, Denver, Phoenix, Los Angeles, Anchorage or Adak, Honolulu, three that span two zones, Texas,
Connecticut, Halifax."""
ZONES = {zone for person in PEOPLE for zone in phone.zones(person)}


def outside(person: str, at: float) -> str | None:
    """Which clock a text at Unix second `at` was too early or too late on; None when it was on none."""
    state = STATES.get(phone.state(person) or "")
    for zone in phone.zones(person):
        clock = dt.datetime.fromtimestamp(at, ZoneInfo(zone))
        minute = clock.hour * 60 + clock.minute
        windows = [(8 * 60, 20 * 60)] + ([] if state is None else [state.on(clock.weekday())])
        for window in windows:
            if window is None or not window[0] <= minute < window[1]:
                return f"{person} was texted at {clock:%a %Y-%m-%d %H:%M:%S %Z}"
    return None


async def texted(since: dt.datetime, until: dt.datetime, every: dt.timedelta) -> list[tuple[str, float]]:
    """Everybody calls again and again, from one moment to another; answers who was texted when."""
    none = Limit(None, 86400.0)
    shop = Shop(BACK, per_person=none, per_prefix=none, total=none)
    sent, moment = [], since
    while moment < until:
        shop.now = max(shop.now, moment.timestamp())
        for person in PEOPLE:
            await shop.call(caller_number=person, plan=False)
        moment += every
        await _run(shop, moment.timestamp())
        if shop._calls > 5000:  # a ledger of its own for each stretch keeps every stretch as quick as the first
            sent += _texts(await shop.store.texts(limit=1_000_000))
            await _run(shop, None)
            await shop.store.close()
            shop, now = Shop(BACK, per_person=none, per_prefix=none, total=none), shop.now
            shop.now = now
    await _run(shop, None)
    return sent + _texts(await shop.store.texts(limit=1_000_000))


def _texts(rows: list[dict[str, object]]) -> list[tuple[str, float]]:
    return [(str(row["recipient"]), float(str(row["at"]))) for row in rows]


async def _run(shop: Shop, end: float | None) -> None:
    """The clock runs on to `end`, or until nothing is owed."""
    while True:
        await shop.settle()
        moment = await shop.store.next_due_at(list(shop.services), now=shop.now)
        if moment is None or (end is not None and moment > end):
            shop.now = shop.now if end is None else max(shop.now, end)
            return
        shop.now = max(moment, shop.now + 0.001)
