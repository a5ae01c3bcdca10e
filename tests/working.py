"""A worker on a real ledger, with services that do what a test tells them."""

from dataclasses import dataclass, field, replace

from relay.backoff import Schedule
from relay.book import Book
from relay.connector import Batch, Connector, Form, Receipt
from relay.hours import Business, QuietHours
from relay.intake import merge, read_event
from relay.metrics import Metrics
from relay.models import CALLSCALER, SendText
from relay.planner import Planner
from relay.rules import About, Surroundings, read_rule
from relay.texting import PhoneConnector, Policy
from relay.worker import Channel, Worker

RETRY = Schedule(total=3600.0, first=5.0, most=60.0)
ANN, OURS = "+13125550101", "+13125550142"


class Note(Form):
    message: str = "hello"


class Service(Connector):
    """Does what the test tells it: answers, raises, or waits."""

    Options = Note
    Action = Note

    def __init__(self, *outcomes, rows=1, hold=None):
        self.outcomes = list(outcomes)
        self.rows = rows
        self.hold = hold
        self.jobs = []
        self.batches = []

    def batch(self):
        return Batch(self.rows)

    def lane(self, _):
        return "one" if self.rows > 1 else None

    async def send(self, job):
        self.jobs.append(job)
        if self.hold is not None:
            await self.hold.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else Receipt(id="ok", status=200)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def send_batch(self, jobs):
        self.batches.append([job.action.message for job in jobs])
        return await super().send_batch(jobs)


class Phone(PhoneConnector, Service):
    """The phone system: texts that it lists, and whom it calls answered."""

    Action = SendText

    def __init__(self, *outcomes, listed=(), answered=False, **others):
        Service.__init__(self, *outcomes, **others)
        self.lists = [list(listed)]
        self.is_answered = answered
        self.asked = []

    async def owned(self, _):
        return []

    async def sent_texts(self, _):
        found = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def answered(self, person, since):
        self.asked.append((person, since))
        if isinstance(self.is_answered, Exception):
            raise self.is_answered
        return self.is_answered


@dataclass
class World:
    ledger: object
    clock: object
    planner: Planner
    worker: Worker
    metrics: Metrics
    calls: int = 0
    channels: dict = field(default_factory=dict)

    async def ring(self, **fields):
        self.calls += 1
        body = {
            "event": "call.missed",
            "call_id": f"c{self.calls}",
            "caller_number": ANN,
            "tracking_number": OURS,
            **fields,
        }
        await self.ledger.accept(read_event(body, "callscaler", self.clock()).event, b"{}", merge)
        await self.planner.plan_next()

    async def work(self):
        while await self.worker.turn():
            await self.worker.idle()

    async def later(self, seconds):
        self.clock.now += seconds
        await self.work()

    async def only(self):
        [delivery] = await self.ledger.deliveries(limit=9)
        return delivery


def made(ledger, clock, then, services):
    """A world whose one rule does these steps, with these services."""
    mistakes = []
    services = {"desk": Service(), **services}
    form = {"name": "rule", "when": ["call.*"], "then": then}
    around = Surroundings({name: service.Action for name, service in services.items()} | {CALLSCALER: Note}, {})
    rule = read_rule(form, (), lambda _, message: mistakes.append(message), around, staff=frozenset(), version="v1")
    assert not mistakes
    hours = Business.read("America/Chicago")
    policy = Policy(hours, QuietHours.read("always", "recipient", "off"), staff=frozenset({"+13125550199"}))
    book = Book((rule,), About("Bright Plumbing", hours), policy, "v1")
    lanes = {name: service.lane for name, service in services.items() if getattr(service, "rows", 1) > 1}
    book = replace(book, lanes={name: lambda _: "one" for name in lanes})
    metrics = Metrics()
    planner = Planner(ledger, clock, metrics, book)
    named = {CALLSCALER if name == "phone" else name: service for name, service in services.items()}
    channels = {name: Channel(name, service, retry=RETRY) for name, service in named.items()}
    worker = Worker(ledger, planner, channels, clock, metrics, dice=lambda: 0.5)
    return World(ledger, clock, planner, worker, metrics)
