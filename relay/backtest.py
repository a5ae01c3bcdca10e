"""Other rules run over stored calls, beside those in force: which texts more, which fewer, when, and to whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay import phone, sms
from relay.models import State
from relay.rehearsal import ALL, COUNTED, Past, Rehearsal, events_back, read_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.connector import Connector
    from relay.models import Event
    from relay.settings import Settings
    from relay.store import Store

DAY = 86400.0
SAME = 60.0
"""Seconds that a text may come earlier or later and still count as the same."""
Key = tuple[str, str, int]
"""Event, person, and the how manieth text of the event to that person."""


@dataclass(frozen=True, slots=True)
class Texted:
    """One text that would go."""

    at: float
    """Unix seconds."""
    rule: str
    person: str
    """Masked: ***0101."""
    segments: int
    body: str


@dataclass(frozen=True, slots=True)
class Side:
    """What one set of rules does with the calls."""

    texts: Mapping[Key, Texted]
    suppressed: int
    """Runs (one rule on one event) that a guard, a limit or the clock stopped, whole or in one of their steps."""
    delivered: Mapping[str, int]
    """Everything that was done, by connector."""

    @property
    def segments(self) -> int:
        """What all the texts together are charged as."""
        return sum(text.segments for text in self.texts.values())


@dataclass(frozen=True, slots=True)
class Difference:
    """What would be different."""

    since: float
    until: float
    events: int
    now: Side
    then: Side

    @property
    def more(self) -> list[Texted]:
        """Texts that only the other rules send, oldest first."""
        return _only(self.then, self.now)

    @property
    def fewer(self) -> list[Texted]:
        """Texts that only the rules in force send, oldest first."""
        return _only(self.now, self.then)

    @property
    def changed(self) -> list[tuple[Texted, Texted]]:
        """Texts that both send, at another time or in other words: as it is, as it would be."""
        both = [(text, self.then.texts[key]) for key, text in self.now.texts.items() if key in self.then.texts]
        return [(old, new) for old, new in both if abs(old.at - new.at) > SAME or old.body != new.body]


def _only(these: Side, others: Side) -> list[Texted]:
    found = [text for key, text in these.texts.items() if key not in others.texts]
    return sorted(found, key=lambda text: text.at)


async def backtest(
    ledger: Store,
    days: float,
    in_force: Settings,
    other: Settings,
    connectors: Mapping[str, type[Connector[Any, Any]]],
    *,
    now: float,
) -> Difference:
    """Both configurations over the events of the last `days` before Unix second `now`; shadow rules act on both sides.

    Raises:
        ValueError: a rule owes something for ever.
    """
    since = now - days * DAY
    found = [event async for event in events_back(ledger, since=since - COUNTED)][::-1]
    events = [event for event in found if since <= event.received_at <= now]
    outs = sorted(
        (out["at"], out["number"]) for out in await ledger.opt_outs(limit=ALL) if out["number"] and out["at"] <= now
    )
    past = Past(
        events=tuple(event for event in found if event.received_at < since),
        texts=await read_texts(ledger, since),
        opt_outs=tuple((number, at) for at, number in outs if at < since),
        numbers=tuple(await ledger.numbers()),
    )
    asked = [(at, number) for at, number in outs if at >= since]
    sides = [await _play(settings, connectors, past, events, asked) for settings in (in_force, other)]
    return Difference(since, now, len(events), *sides)


async def _play(
    settings: Settings,
    connectors: Mapping[str, type[Connector[Any, Any]]],
    past: Past,
    events: Sequence[Event],
    opt_outs: Sequence[tuple[float, str]],
) -> Side:
    rehearsal = Rehearsal(settings, settings.rules, connectors, past)
    try:
        await rehearsal.remember()
        waiting = list(opt_outs)
        for event in events:
            while waiting and waiting[0][0] <= event.received_at:
                at, number = waiting.pop(0)
                await rehearsal.opt_out(number, at)
            await rehearsal.happen(event)
        for at, number in waiting:
            await rehearsal.opt_out(number, at)
        await rehearsal.run_on()
        texts = await rehearsal.store.texts(limit=ALL)
        owed = await rehearsal.store.deliveries(limit=ALL)
        verdicts = [(event.id, said) for event in events for said in await rehearsal.store.verdicts(event.id) or ()]
    finally:
        await rehearsal.close()
    ours = {event.id for event in events}
    done = [delivery for delivery in owed if delivery.event in ours]
    stopped = {(event, verdict.rule) for event, verdict in verdicts if verdict.word == "suppressed"}
    stopped |= {(delivery.event, delivery.rule) for delivery in done if delivery.state is State.SUPPRESSED}
    return Side(
        texts=_keyed([text for text in texts if _event_of(text) in ours]),
        suppressed=len(stopped),
        delivered=dict(Counter(delivery.connector for delivery in done if delivery.state is State.DELIVERED)),
    )


def _event_of(text: Mapping[str, Any]) -> str:
    """The event of a text: a run is named by its event and the wording of its rule."""
    return str(text["run"]).rpartition(".")[0]


def _keyed(texts: Sequence[Mapping[str, Any]]) -> dict[Key, Texted]:
    """Every text under what it shares with its counterpart on the other side."""
    count: Counter[tuple[str, str]] = Counter()
    found: dict[Key, Texted] = {}
    for text in sorted(texts, key=lambda text: float(text["at"])):
        pair = (_event_of(text), str(text["recipient"]))
        body = str(text["body"] or "")
        masked = phone.mask(str(text["recipient"]))
        found[*pair, count[pair]] = Texted(text["at"], text["rule"], masked, sms.measure(body).segments, body)
        count[pair] += 1
    return found
