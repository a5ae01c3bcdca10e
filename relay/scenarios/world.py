"""One scenario played: a ledger in memory, the rules of the file, and services that are pretended.

Every outside service answers well unless the scenario says `broken`; after the last event the clock runs on until
nothing is owed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from relay.book import Book
from relay.connector import Receipt
from relay.errors import Rejected, Unavailable, Unclear
from relay.forms import unknown
from relay.intake import merge
from relay.intake.texts import RECEIVED, wish_of
from relay.metrics import Metrics
from relay.models import CALLSCALER, VERDICTS, Owned, Regroup
from relay.planner import Planner
from relay.rules import Facts
from relay.scenarios.given import Stage, read_given
from relay.scenarios.groups import keep_groups
from relay.scenarios.outcome import Outcome
from relay.settings.yaml_file import read_document
from relay.store.sqlite import SqliteStore
from relay.texting import PretendedPhone
from relay.worker import Channel, Worker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.connector import Connector, Job
    from relay.models import Event, Known
    from relay.rules import Rule
    from relay.scenarios.given import Given
    from relay.settings import Settings
    from relay.settings.forms import ScenarioForm

_NEVER = 2**31
"""Failures after which a breaker opens: a scenario tells what a rule does, not what an outage does to its timing."""
MOST_TURNS = 10_000
"""Steps of the clock after which a scenario is taken to run for ever."""
Failure = tuple[int, int, str]
"""Line, column, message."""
_COUNTED = ("calls_7d", "calls_30d", "answer_rate_7d", "answer_rate_30d", "age_days")
_ALL = 1_000_000
_SERVER_ERROR = 500
_SINCE_EVER = float("-inf")
"""A scenario tells all there is to know of its numbers' calls."""


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


async def _run(
    scenario: ScenarioForm, settings: Settings, connectors: Mapping[str, type[Connector[Any, Any]]]
) -> list[str]:
    source = next(iter(settings.sources), "callscaler")
    stage = Stage(source, settings.about.hours, settings.rules, _numbers(scenario), bool(settings.regrouping.groups))
    given, wrong = read_given(scenario.given, stage)
    known = {*settings.connectors, CALLSCALER}
    wrong += [unknown(name, known, "connector") for name in scenario.broken if name not in known]
    wrong += [unknown(word, VERDICTS, "verdict") for word in scenario.expect.verdicts.values() if word not in VERDICTS]
    if wrong:
        return wrong
    store = SqliteStore(None)
    try:
        world = _World(scenario, settings, connectors, store)
        await world.play(given)
        return (await world.outcome()).differences(scenario.expect, settings.about.hours)
    except ValueError as error:
        return [str(error)]
    finally:
        await store.close()


@dataclass
class _Clock:
    """Stands still unless moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class _Pretend(PretendedPhone):
    """Stands where an outside service would: says yes, or answers with the status that the scenario names."""

    name: str
    cls: type[Connector[Any, Any]]
    status: int | None = None
    held: dict[str, str | None] = field(default_factory=dict)
    """The group of each number that the scenario tells of."""

    def __post_init__(self) -> None:
        self.Action = self.cls.Action  # type: ignore[misc]
        self.done: list[Any] = []

    async def send(self, job: Job[Any]) -> Receipt:
        if self.status is not None:
            raise self._refusal(self.status)
        step = getattr(job.action, "step", None)
        if isinstance(step, Regroup):
            before = self.held.get(step.number)
            job.notes["before"] = {"groups": [] if before is None else [{"id": before, "name": before}]}
            self.held[step.number] = step.to
            if before == step.to:
                return Receipt(id=step.to, created=False, status=200)  # it was there already: no move
        self.done.append(job.action)
        return Receipt(id=f"{self.name}-{len(self.done)}", created=True, status=200)

    def _refusal(self, status: int) -> Exception:
        said = f"answered {status}"
        if status >= _SERVER_ERROR:
            return Unclear(said) if self.name == CALLSCALER else Unavailable(said)
        return Unavailable(said) if status in (408, 425, 429) else Rejected(said)


@dataclass(frozen=True)
class _Book(Book):
    """The rules of the file, and what the scenario says of numbers: E.164 → its facts."""

    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def facts(self, event: Event, known: Known, now: float) -> Facts:
        return Facts(event, known, self.about, now, self.scorecard, self.told.get(event.number or ""))


class _World:
    """What a scenario is played on."""

    def __init__(
        self,
        scenario: ScenarioForm,
        settings: Settings,
        connectors: Mapping[str, type[Connector[Any, Any]]],
        store: SqliteStore,
    ) -> None:
        self._scenario = scenario
        self._settings = settings
        self._store = store
        self._clock = _Clock()
        self._held: set[float] = set()
        classes = {name: item.cls for name, item in settings.connectors.items()}
        if CALLSCALER in connectors:
            classes[CALLSCALER] = connectors[CALLSCALER]
        groups = {n.number: n.group for n in scenario.numbers}
        self._services = {name: _Pretend(name, cls, scenario.broken.get(name), groups) for name, cls in classes.items()}
        book = _Book(
            rules=tuple(_awake(rule) for rule in settings.rules),
            about=replace(settings.about, history=_SINCE_EVER),
            policy=settings.policy.knowing(_numbers(scenario)),
            version="test",
            rings_people=settings.rings_people,
            scorecard=settings.spam,
            brakes=settings.regrouping.brakes,
            groups=settings.regrouping.groups,
            told={
                n.number: {f"number.{name}": value for name in _COUNTED if (value := getattr(n, name)) is not None}
                for n in scenario.numbers
            },
        )
        metrics = Metrics()
        channels = {name: Channel(name, service, opens=_NEVER) for name, service in self._services.items()}
        self._planner = Planner(store, self._clock, metrics, book)
        self._worker = Worker(store, self._planner, channels, self._clock, metrics, dice=lambda: 0.5)

    async def play(self, given: Sequence[Given]) -> None:
        """Let everything given happen at its time, and the clock run on until nothing is owed.

        Raises:
            ValueError: an enrichment brings nothing, or something is owed for ever.
        """
        self._clock.now = given[0].at
        await self._store.save_numbers([replace(n, read_at=self._clock.now) for n in _numbers(self._scenario)])
        for item in given:
            await self._until(item.at)
            self._clock.now = item.at
            if item.groups:
                await self._keep_groups()
                continue
            if item.event.type == RECEIVED:
                await self._store.accept_text(item.event, item.body, wish_of(item.event), now=item.at)
                continue
            accepted = await self._store.accept(item.event, item.body, merge)
            if item.enriches and accepted.enriched is None:
                raise ValueError(f"call.enriched for {item.event.key} brings no field that was missing")
        await self._until(None)

    async def _keep_groups(self) -> None:
        phone = self._services.get(CALLSCALER)
        if phone is not None:
            told = self._scenario.numbers
            await keep_groups(self._store, phone, self._planner.book, told, self._clock.now)

    async def _until(self, end: float | None) -> None:
        """Let the clock run on to `end`, or until nothing is owed."""
        for _ in range(MOST_TURNS):
            while await self._planner.plan_next() or await self._worker.turn():
                await self._worker.idle()
            held = await self._store.deliveries(limit=_ALL, state="held")
            self._held |= {delivery.due_at for delivery in held if delivery.due_at is not None}
            moment = await self._store.next_due_at(list(self._services), now=self._clock.now)
            if moment is None or (end is not None and moment > end):
                return
            self._clock.now = max(moment, self._clock.now + 0.001)
        raise ValueError("it does not come to an end: something is owed for ever")

    async def outcome(self) -> Outcome:
        """What happened."""
        events = list(reversed(await self._store.events(limit=_ALL)))
        verdicts = [(event, verdict) for event in events for verdict in await self._store.verdicts(event.id) or ()]
        done = {name: service.done for name, service in self._services.items()}
        return Outcome(
            verdicts=verdicts,
            deliveries=await self._store.deliveries(limit=_ALL),
            done=done,
            phoned=[action.step for action in done.get(CALLSCALER, ())],
            shadow={rule.name for rule in self._settings.rules if rule.mode == "shadow"},
            held=self._held | {v.until for _, v in verdicts if v.word == "held" and v.until is not None},
        )


def _numbers(scenario: ScenarioForm) -> list[Owned]:
    return [Owned(n.number, n.number, n.name, n.group, None, n.status, n.sms_enabled) for n in scenario.numbers]


def _awake(rule: Rule) -> Rule:
    """A scenario tells what a rule would do: shadow rules are played as if they were live."""
    return replace(rule, mode="live") if rule.mode == "shadow" else rule
