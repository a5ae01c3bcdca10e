"""Judging: what rules cost that do not match, or have ten conditions; what facts cost in a large ledger."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.hours import Business
from relay.models import CallerFacts, Event, NumberFacts
from relay.rules import About, Facts, Ground, plan
from relay.store import Windows
from relay.store.sql.facts import LedgerKnown
from relay.store.sqlite import SqliteStore
from relay.texting import GO
from tests.benchmarks.figure import Figure, Setting, median
from tests.rules.reading import rule
from tests.store.ledger import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.rules import Rule

HOURS = Business.read("America/Chicago", {"mon-fri": "08:00-18:00"})
ABOUT = About("Bright Plumbing", HOURS)
MILLION = 1_000_000
_RULES = 1000
_NOTE = "then: [{send: log, message: hi}]"
_FALSE = f"if: {{call.ai_score: {{at_least: 60}}}}\n{_NOTE}"
_OTHER = f"when: [call.voicemail]\n{_NOTE}"
_TEN = f"""
if:
  caller.number: present
  call.direction: inbound
  call.spam: unlikely
  call.is_test: false
  call.outcome: [missed, voicemail]
  call.duration: {{below: 2m}}
  caller.calls_24h: {{at_most: 5}}
  caller.is_new: true
  number.group: {{not_in: [Parked, Seasonal]}}
  now.weekday: sun
{_NOTE}"""


class Known:
    """Answers at once: what the ledger costs is measured by itself."""

    def caller(self) -> CallerFacts:
        return CallerFacts(calls_24h=1)

    def number(self) -> NumberFacts:
        return NumberFacts()


def _event(caller: str = "+13125550101") -> Event:
    call = {"id": "c1", "event": "call.missed", "outcome": "missed", "direction": "inbound", "is_test": False}
    return Event(
        "e1", "callscaler", "call.missed", "c1", NOW, call=call, caller=caller, number="+13125550142", started_at=NOW
    )


def _each(written: str, rounds: int) -> float:
    """Microseconds that one more rule like this adds to the judging of an event."""
    base: Rule = rule(written)
    rules = [replace(base, name=f"R{n}") for n in range(_RULES)]
    event, ground = _event(), Ground(NOW, HOURS)

    def once(some: list[Rule]) -> float:
        began = time.perf_counter()
        plan(some, event, Facts(event, Known(), ABOUT, NOW), ground, lambda *_: GO)  # type: ignore[arg-type]
        return time.perf_counter() - began

    # The least of many: whatever else the machine does only adds.
    return min((once(rules) - once(rules[:1])) / (_RULES - 1) * 1e6 for _ in range(10 * rounds))


def _read(connection: Any, rounds: int) -> tuple[float, float, float]:
    """Milliseconds for the facts of a caller and of a number, for those of a text, and for none at all."""
    windows = Windows()

    def ask(what: Callable[[LedgerKnown], object]) -> float:
        times = []
        for n in range(100 * rounds):
            event = _event(f"+1312555{n % 1000:04}")
            known = LedgerKnown(connection, event, now=NOW, windows=windows, prefix=phone.prefix)
            began = time.perf_counter()
            what(known)
            times.append(time.perf_counter() - began)
        return median(times) * 1e3

    return (
        ask(lambda known: (known.caller(), known.number())),
        ask(lambda known: known.text("+13125550101", run="r", rule="R", shadow=False)),
        ask(lambda _: None),
    )


def _remember(connection: Any) -> None:
    """A million calls of ten thousand people over four hundred days, in the table that facts are counted from."""
    connection.execute(
        "insert into calls (source, key, caller, number, began_at, direction, outcome, answered, seconds) "
        "with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < ?) "
        "select 'callscaler', 'c' || i, '+1312555' || printf('%04d', i % 10000), "
        "'+131255501' || printf('%02d', i % 50), ? - i * 34.56, 'inbound', 'missed', i % 3 = 0, i % 300 from n",
        (MILLION, NOW),
    )


async def _facts(rounds: int) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as place:
        store = SqliteStore(Path(place) / "relay.db")
        try:
            await store._write(_remember)
            return await store._write(lambda connection: _read(connection, rounds))
        finally:
            await store.close()


def judging(setting: Setting) -> Iterator[Figure]:
    """The cost of rules by themselves, then of the facts they may ask for."""
    for name, written, most in (
        ("a rule for another type of event", _OTHER, 5.0),
        ("a rule whose one condition does not hold", _FALSE, 5.0),
        ("a rule with ten conditions", _TEN, 50.0),
    ):
        yield Figure(name, _each(written, setting.rounds), "us", most, at_most=True)
    facts, text, nothing = asyncio.run(_facts(setting.rounds))
    beside = f"{MILLION} calls in the ledger"
    yield Figure("facts of caller and number", facts, "ms", 0.2, at_most=True, beside=beside)
    yield Figure("what stands in the way of a text", text, "ms", beside=beside)
    yield Figure("facts that no rule asks for", nothing, "ms", beside=beside)
