"""What the demo did, counted from the ledger and held against what the stand-ins received."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from relay.models import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.demo.world import World
    from relay.models import Delivery

_ALL = 100_000
_KINDS = {"team": "slack", "call-log": "google_sheets", "crm": "crm", "archive": "webhook"}
"""The demo's connectors by their names, and what they are."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of contract 3.6; `seconds` is how long the day took."""

    events: int
    delivered: dict[str, int]
    suppressed: int
    duplicates: int
    refused: int
    dead: int
    seconds: float

    def public(self) -> dict[str, Any]:
        """As one JSON object."""
        return asdict(self)


async def count(world: World, seconds: float) -> tuple[Summary, list[str]]:
    """The summary, and every place where the ledger and the stand-ins differ."""
    deliveries = await world.store.deliveries(limit=_ALL)
    totals = await world.store.totals()
    done = [d for d in deliveries if d.state is State.DELIVERED]
    delivered = dict.fromkeys(("slack", "google_sheets", "crm", "webhook", "text", "regroup"), 0)
    for delivery in done:
        kind = _KINDS.get(delivery.connector, "") if delivery.kind == "send" else delivery.kind
        delivered[kind] += 1
    summary = Summary(
        events=totals["events"],
        delivered=delivered,
        suppressed=await _suppressed(world, deliveries),
        duplicates=totals["duplicates"],
        refused=totals["refused"],
        dead=sum(d.state is State.DEAD for d in deliveries),
        seconds=round(seconds, 2),
    )
    return summary, _differences(world, summary, done)


async def _suppressed(world: World, deliveries: Sequence[Delivery]) -> int:
    """Runs that a guard stopped, before or after they began."""
    runs = {(d.event, d.rule) for d in deliveries if d.state is State.SUPPRESSED}
    for event in await world.store.events(limit=_ALL):
        for verdict in await world.store.verdicts(event.id) or ():
            if verdict.word == "suppressed":
                runs.add((event.id, verdict.rule))
    return len(runs)


def _differences(world: World, summary: Summary, done: Sequence[Delivery]) -> list[str]:
    keys = {d.action["key"] for d in done if d.connector == "call-log" and d.action}
    people = {d.action["match"] for d in done if d.connector == "crm" and d.action}
    moved = {d.action["number"] for d in done if d.kind == "regroup" and d.action}
    received = {
        "Slack messages": (summary.delivered["slack"], len(world.slack.messages)),
        "rows in the sheet": (len(keys), len(world.google.rows("Calls"))),
        "contacts in the CRM": (len(people), len(world.crm.contacts)),
        "calls logged in the CRM": (summary.delivered["crm"], len(world.crm.calls)),
        "webhooks at the archive": (summary.delivered["webhook"], len(world.sink.bodies)),
        "texts sent": (summary.delivered["text"], len(world.sandbox.texts())),
        "numbers moved into Main": (len(moved), len(moved & set(world.sandbox.members("Main")))),
        "forged requests refused": (summary.refused, world.forged),
    }
    return [
        f"{what}: the ledger says {ours}, the stand-in received {theirs}"
        for what, (ours, theirs) in received.items()
        if ours != theirs
    ]
