"""The `tests:` of relay.yaml, run on a clock of their own through the real planner and worker.

Every outside service answers well unless the scenario says `broken`; after the last event the clock runs on until
nothing is owed.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.connector import Receipt
from relay.errors import BadBody, Rejected, Unavailable
from relay.hours import moment, read_clock
from relay.intake import merge, read_event
from relay.metrics import Metrics
from relay.models import CALLSCALER, Event, Owned, SendText, State
from relay.planner import Book, Planner
from relay.settings.samples import sample
from relay.settings.yaml_file import read_document
from relay.store.sqlite import SqliteStore
from relay.texting import PhoneConnector, SentText
from relay.worker import Channel, Worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.connector import Connector, Job
    from relay.rules import Rule
    from relay.settings import Settings
    from relay.settings.forms import ScenarioForm

MOST_TURNS = 10_000
"""Steps of the clock after which a scenario is taken to run for ever."""
_FIELDS = {"event", "at", "tick"}
Failure = tuple[int, int, str]
"""Line, column, message."""


async def run_scenarios(settings: Settings, connectors: Mapping[str, type[Connector[Any, Any]]]) -> list[Failure]:
    """Every scenario that does not turn out as it expects, with its place in the file."""
    failures: list[Failure] = []
    for index, scenario in enumerate(settings.tests):
        wrong = await _run(scenario, settings, connectors)
        if wrong:
            document = read_document(settings.path) if settings.path else None
            line, column = document.position(("tests", index)) if document else (0, 0)
            failures.extend((line, column, f"test `{scenario.name}`: {message}") for message in wrong)
    return failures


class _Clock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class _Pretend(PhoneConnector):
    """Stands where an outside service would: says yes, or answers with the status that the scenario names."""

    name: str
    cls: type[Connector[Any, Any]]
    status: int | None = None

    def __post_init__(self) -> None:
        self.Action = self.cls.Action  # type: ignore[misc]
        self.done: list[Any] = []

    async def send(self, job: Job[Any]) -> Receipt:
        if self.status is not None:
            error = Unavailable if self.status in (408, 425, 429) or self.status >= 500 else Rejected  # noqa: PLR2004
            raise error(f"answered {self.status}")
        self.done.append(job.action)
        return Receipt(id=f"{self.name}-{len(self.done)}", created=True, status=200)

    async def owned(self, now: float) -> list[Owned]:  # noqa: ARG002 - the seam
        return []

    async def sent_texts(self, since: float) -> list[SentText]:  # noqa: ARG002 - the seam
        return []

    async def answered(self, person: str, since: float) -> bool:  # noqa: ARG002 - the seam
        return False


async def _run(
    scenario: ScenarioForm, settings: Settings, connectors: Mapping[str, type[Connector[Any, Any]]]
) -> list[str]:
    clock = _Clock()
    store = SqliteStore(None)
    try:
        world = _World(scenario, settings, connectors, store, clock)
        try:
            await world.play()
        except (ValueError, BadBody) as error:
            return [str(error)]
        return await world.compare()
    finally:
        await store.close()


class _World:
    """One scenario: a ledger in memory, the rules of the file, and services that are pretended."""

    def __init__(
        self,
        scenario: ScenarioForm,
        settings: Settings,
        connectors: Mapping[str, type[Connector[Any, Any]]],
        store: SqliteStore,
        clock: _Clock,
    ) -> None:
        self.scenario = scenario
        self.settings = settings
        self.store = store
        self.clock = clock
        self.services = {
            name: _Pretend(name, item.cls, scenario.broken.get(name)) for name, item in settings.connectors.items()
        }
        if CALLSCALER in connectors:
            self.services[CALLSCALER] = _Pretend(CALLSCALER, connectors[CALLSCALER], scenario.broken.get(CALLSCALER))
        book = Book(
            rules=tuple(_awake(rule) for rule in settings.rules),
            about=settings.about,
            policy=settings.policy,
            version="test",
            rings_people=settings.rings_people,
            spam=self._spam,
        )
        metrics = Metrics()
        self.planner = Planner(store, clock, metrics, book)
        self.worker = Worker(
            store, self.planner, {n: Channel(n, s) for n, s in self.services.items()}, clock, metrics, dice=lambda: 0.5
        )
        self.last: dict[str, Any] = {}

    def _spam(self, event: Event, known: Any) -> str:
        if self.settings.spam is None:
            return "certain" if event.call.get("ai_category") == "spam" else "unlikely"
        return self.settings.spam.judge(event, known, self.settings.about)

    async def play(self) -> None:
        """Let everything given happen at its time, and the clock run on until nothing is owed."""
        entries = sorted(self.scenario.given, key=self._at)
        self.clock.now = self._at(entries[0])
        if self.scenario.numbers:
            await self.store.save_numbers(
                [
                    Owned(n.number, n.number, n.name, n.group, None, n.status, n.sms_enabled, read_at=self.clock.now)
                    for n in self.scenario.numbers
                ]
            )
        for number, entry in enumerate(entries):
            if "tick" in entry:
                raise ValueError("`tick`: times are not built yet, so a scenario cannot give them")
            at = self._at(entry)
            await self._until(at)
            self.clock.now = at
            event, body = self._event(entry, number, at)
            await self.store.accept(event, body, merge)
        await self._until(None)

    async def _until(self, end: float | None) -> None:
        for _ in range(MOST_TURNS):
            while await self.planner.plan_next() or await self.worker.turn():
                await self.worker.idle()
            moment_due = await self.store.next_due_at(list(self.services), now=self.clock.now)
            if moment_due is None or (end is not None and moment_due > end):
                return
            self.clock.now = max(moment_due, self.clock.now + 0.001)
        raise ValueError("it does not come to an end: something is owed for ever")

    def _at(self, entry: Mapping[str, Any]) -> float:
        written = str(entry.get("at", ""))
        try:
            day, _, clock = written.replace("T", " ").partition(" ")
            return moment(dt.date.fromisoformat(day), read_clock(clock), self.settings.about.hours.zone)
        except ValueError:
            raise ValueError(f"`at: {written}` is no time; write 2026-03-02 10:00") from None

    def _event(self, entry: Mapping[str, Any], number: int, at: float) -> tuple[Event, bytes]:
        kind = str(entry.get("event", ""))
        created = dt.datetime.fromtimestamp(at, dt.UTC).isoformat()
        fields = {**sample(kind), "call_id": f"test-{number}", "created_at": created}
        fields |= {key: value for key, value in entry.items() if key not in _FIELDS}
        fields["event"] = kind
        source = next(iter(self.settings.sources), "callscaler")
        if kind == "text.received":
            return _text(fields, source, number, at), b"{}"
        read = read_event(fields, source, at)
        if read.event is None:
            raise ValueError(f"`event: {kind}` is no call")
        return read.event, json.dumps(fields).encode()

    async def compare(self) -> list[str]:
        """What did not turn out as expected."""
        expect = self.scenario.expect
        texts = [action for action in self.services[CALLSCALER].done if isinstance(action.step, SendText)]
        moves = [action for action in self.services[CALLSCALER].done if action.step.do == "regroup"]
        deliveries = await self.store.deliveries(limit=100_000)
        events = list(reversed(await self.store.events(limit=100_000)))
        verdicts = [(event, verdict) for event in events for verdict in await self.store.verdicts(event.id) or ()]
        suppressed = {d.run for d in deliveries if d.state is State.SUPPRESSED}
        quiet = {(event.id, v.rule) for event, v in verdicts if v.word == "suppressed"}
        quiet |= {(d.event, d.rule) for d in deliveries if d.run in suppressed}
        wrong: list[str] = []
        _differ(wrong, "texts", expect.texts, len(texts))
        _differ(wrong, "suppressed runs", expect.suppressed, len(quiet))
        if expect.moves is not None:
            _differ(wrong, "moves", expect.moves if isinstance(expect.moves, int) else len(expect.moves), len(moves))
        for name, wanted in expect.delivered.items():
            if name not in self.services:
                wrong.append(f"there is no connector {name}")
                continue
            _differ(wrong, f"delivered to {name}", wanted, len(self.services[name].done))
        if expect.held_until is not None:
            held = [v.until for _, v in verdicts if v.word == "held" and v.until is not None]
            said = [self.settings.about.hours.local(until).strftime("%Y-%m-%d %H:%M") for until in held]
            if expect.held_until not in said:
                wrong.append(f"held until: wanted {expect.held_until}, was {', '.join(said) or 'not held'}")
        for rule, wanted_word in expect.verdicts.items():
            last = next((v for _, v in reversed(verdicts) if v.rule == rule), None)
            found = "not judged" if last is None else last.word
            if found != wanted_word:
                why = f" ({last.why})" if last is not None and last.why else ""
                wrong.append(f"verdict of {rule}: wanted {wanted_word}, was {found}{why}")
        return wrong


def _awake(rule: Rule) -> Rule:
    """A scenario tells what a rule would do: shadow rules are played as if they were live."""
    return replace(rule, mode="live") if rule.mode == "shadow" else rule


def _text(fields: Mapping[str, Any], source: str, number: int, at: float) -> Event:
    sender = fields.get("caller_number")
    text = {"id": f"test-{number}", "body": fields.get("body", ""), "from": sender, "to": fields.get("tracking_number")}
    return Event(
        id=f"evt_test{number}",
        source=source,
        type="text.received",
        key=f"test-{number}",
        received_at=at,
        call=text,
        caller=sender,
        number=fields.get("tracking_number"),
    )


def _differ(wrong: list[str], what: str, wanted: int | None, found: int) -> None:
    if wanted is not None and wanted != found:
        wrong.append(f"{what}: wanted {wanted}, was {found}")
