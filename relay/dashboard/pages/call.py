"""One call: the whole story, from its arrival to the last try of the last step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.dashboard.page import Gone
from relay.dashboard.words import needs_telling
from relay.models import State
from relay.trace import read_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.dashboard.page import Asked
    from relay.models import Attempt, Delivery, Event, Verdict

_SHOWN = (
    "caller_name",
    "summary",
    "ai_category",
    "ai_score",
    "qualified",
    "duration",
    "source",
    "utm_campaign",
    "caller_city",
    "robo_score",
)


@dataclass(frozen=True, slots=True)
class Told:
    """One rule on this call."""

    verdict: Verdict
    deliveries: tuple[Delivery, ...]
    open: bool


async def read(asked: Asked) -> dict[str, Any]:
    """The story."""
    trace = await read_trace(asked.store, asked.path["reference"])
    if trace is None:
        raise Gone("There is no such call. It may be older than what the ledger keeps.")
    event = trace.event
    verdicts = trace.verdicts or ()
    judged = {verdict.rule for verdict in verdicts}
    told = [
        Told(
            verdict,
            tuple(one for one in trace.deliveries if one.rule == verdict.rule),
            needs_telling(verdict, asked.shown),
        )
        for verdict in sorted(verdicts, key=lambda verdict: not needs_telling(verdict, asked.shown))
    ]
    owned = next((one for one in await asked.store.numbers() if one.number == event.number), None)
    return {
        "event": event,
        "planned": trace.verdicts is not None,
        "told": told,
        "others": [one for one in trace.deliveries if one.rule not in judged],
        "attempts": trace.attempts,
        "call": trace.call,
        "known": _known(event),
        "transcript": event.call.get("transcription"),
        "owned": owned,
        "dead": [one.id for one in trace.deliveries if one.state is State.DEAD],
        "owed": [one.id for one in trace.deliveries if one.state in {State.DUE, State.WAITING, State.HELD}],
        "quarantined": any(one.quarantined for one in trace.deliveries),
        "latest": latest(trace.attempts),
    }


def _known(event: Event) -> list[tuple[str, Any]]:
    return [(name, event.call[name]) for name in _SHOWN if event.call.get(name) not in {None, ""}]


def latest(attempts: Mapping[str, tuple[Attempt, ...]]) -> Mapping[str, Attempt]:
    """The last try of each delivery."""
    return {name: tries[-1] for name, tries in attempts.items() if tries}
