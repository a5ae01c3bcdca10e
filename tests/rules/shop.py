"""A small business for tests: real ledger in memory, real planner and worker, a clock that stands still, and outside
services that say what they are told to say."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from connectors.callscaler import PhoneStep
from relay.book import Book
from relay.connector import Form, Receipt
from relay.hours import Business, QuietHours
from relay.intake import merge, read_event
from relay.metrics import Metrics
from relay.models import CALLSCALER
from relay.planner import Planner
from relay.rules import About
from relay.texting import PhoneConnector, Policy
from relay.worker import Channel, Worker
from tests.carried import CarriedStore
from tests.rules.reading import STAFF, Note
from tests.rules.reading import rule as read

ZONE = ZoneInfo("America/Chicago")
HOURS = Business.read("America/Chicago", {"mon-fri": "08:00-18:00"})
DANA, EVE, OWN = "+13125550101", "+13125550102", "+13125550142"


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


class Service(PhoneConnector):
    """Keeps what it was given; `answers` are raised or returned first, one a try."""

    Options = Form

    def __init__(self, action: type[Form]) -> None:
        self.Action = action
        self.got: list[Any] = []
        self.answers: list[Any] = []
        self.was_answered = False

    async def send(self, job: Any) -> Receipt:
        answer = self.answers.pop(0) if self.answers else Receipt(id=f"id-{len(self.got) + 1}", created=True)
        self.tried = job
        if isinstance(answer, Exception):
            raise answer
        self.got.append(job.action)
        return answer

    async def owned(self, _now: float) -> list[Any]:
        return []

    async def sent_texts(self, _since: float) -> list[Any]:
        return []

    async def answered(self, _person: str, _since: float) -> bool:
        return self.was_answered


class Shop:
    def __init__(self, *rules: Any, now: str = "2026-03-02 10:00", **policy: Any) -> None:
        self.now = at(now)
        self.store = CarriedStore(None)
        self.services = {name: Service(Note) for name in ("team", "log", "crm")}
        self.services[CALLSCALER] = Service(PhoneStep)
        policy = {"hours": HOURS, "quiet": QuietHours.read(), "staff": frozenset({STAFF}), **policy}
        self.book = Book(
            rules=tuple(read(rule) if isinstance(rule, str) else rule for rule in rules),
            about=About("Bright Plumbing", HOURS),
            policy=Policy(**policy),
            version="v1",
            rings_people=frozenset({"team"}),
        )
        metrics = Metrics()
        self.planner = Planner(self.store, lambda: self.now, metrics, self.book)
        channels = {name: Channel(name, service) for name, service in self.services.items()}
        self.worker = Worker(self.store, self.planner, channels, lambda: self.now, metrics, dice=lambda: 0.5)
        self._calls = 0

    async def call(self, kind: str = "call.missed", *, late: bool = False, plan: bool = True, **fields: Any) -> str:
        """A call comes in and is planned; answers the event's id."""
        self._calls += 1
        body = {
            "call_id": f"c{self._calls}",
            "event": kind,
            "caller_number": DANA,
            "tracking_number": OWN,
            "created_at": dt.datetime.fromtimestamp(self.now, dt.UTC).isoformat(),
            **fields,
        }
        event = read_event(body, "callscaler", self.now, late=late).event
        assert event is not None
        accepted = await self.store.accept(event, b"{}", merge)
        if plan:
            await self.planner.plan_next()
        return accepted.enriched or accepted.event

    async def settle(self) -> None:
        """Everything that can be done now is done."""
        while await self.planner.plan_next() or await self.worker.turn():
            await self.worker.idle()

    async def run(self, until: str | None = None) -> None:
        """The clock runs on, until a moment or until nothing is owed."""
        end = None if until is None else at(until)
        for _ in range(2000):
            await self.settle()
            moment = await self.store.next_due_at(list(self.services), now=self.now)
            if moment is None or (end is not None and moment > end):
                self.now = self.now if end is None else end
                return
            self.now = max(moment, self.now + 0.001)
        raise AssertionError("something is owed for ever")

    async def verdict(self, event: str, place: int = 0) -> Any:
        return (await self.store.verdicts(event) or ())[place]

    async def steps(self, event: str) -> list[str]:
        return [str(delivery.state) for delivery in await self.store.deliveries(limit=100, event=event)]

    async def reasons(self, event: str) -> list[str | None]:
        return [delivery.reason for delivery in await self.store.deliveries(limit=100, event=event)]

    @property
    def texts(self) -> list[str]:
        return [action.step.to for action in self.services[CALLSCALER].got if action.step.do == "text"]

    def said(self, service: str) -> list[str]:
        return [action.message for action in self.services[service].got]
