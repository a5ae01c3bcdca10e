"""The ledger: what it can be asked. A backend saves rows and decides nothing; decisions are passed in.

Every method that writes returns only after its commit. All times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from relay.models import quick
from relay.store.alarms import Alarms
from relay.store.answers import Answers
from relay.store.audit import Audit
from relay.store.conversation import Conversation
from relay.store.deciding import Decider as Decider
from relay.store.deciding import lasting as lasting
from relay.store.memories import Memories, Memory
from relay.store.modes import Modes
from relay.store.moves import Moves
from relay.store.nodes import Nodes
from relay.store.pages import Pages
from relay.store.people import People
from relay.store.replays import Replays
from relay.store.secrecy import Secrecy
from relay.store.standing import Standings
from relay.store.unconfirmed import Unconfirmed
from relay.store.upkeep import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.models import Attempt, Delivery, Event, Known, Owned, Plan, Verdict


@quick
@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an event at the door."""

    event: str
    """The id of the event, of the first one when this is a repeat."""
    duplicate: bool = False
    enriched: str | None = None
    """The id of the call.enriched event that the repeat raised, if it brought missing fields."""


@dataclass(frozen=True, slots=True)
class RequestNote:
    """A request that made no event: refused, or a test; kept readable for a while."""

    kind: str
    """refused or test."""
    at: float
    source: str
    status: int
    reason: str
    remote: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Redacted."""
    body: bytes = b""
    """Capped."""
    seq: int = 0
    """Order of arrival."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Seconds over which the limits on texts count."""

    person: float = 86400.0
    prefix: float = 3600.0
    total: float = 86400.0


@dataclass(frozen=True, slots=True)
class Run:
    """One rule on one event, with all its deliveries in the order of the steps."""

    event: Event
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Want:
    """How much of a connector's work may be taken now."""

    slots: int
    """Batches (single jobs where the connector takes one at a time) that may start."""
    rows: int = 1
    lease: float = 30.0
    linger: float = 0.0
    """Seconds that the first job of a lane may wait until `rows` of them are there."""
    newest: int = 0
    """How many of the slots go to what fell due last, where a long backlog would starve what is new."""


@quick
@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery taken for a while, and the event it belongs to."""

    delivery: Delivery
    event: Event


@dataclass(frozen=True, slots=True)
class Taken:
    """What a claim took; `linger_until` is when the first of what still gathers must go, Unix seconds."""

    claimed: tuple[Claimed, ...]
    linger_until: float | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What came of planning: how many events, what of it was taken at once, and who is owed something beside that."""

    events: int
    claimed: tuple[Claimed, ...] = ()
    left: frozenset[str] = frozenset()
    """Connectors to which something is owed that was not taken."""


@quick
@dataclass(frozen=True, slots=True)
class Settlement:
    """How a try ended: the delivery as it shall stand, and the attempt to be written down."""

    delivery: Delivery
    attempt: Attempt | None = None
    provider_id: str | None = None
    remember: Memory | None = None


@dataclass(frozen=True, slots=True)
class TextAddress:
    """Whom a text goes to, as the limits count people."""

    recipient: str
    prefix: str
    """The first digits, by which limits.per_prefix counts."""
    sender: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignText:
    """A text in the phone system's list that may be somebody else's; `at` in Unix seconds."""

    id: str
    recipient: str
    """E.164."""
    prefix: str
    """As in TextAddress."""
    sender: str | None
    body: str | None
    at: float


Wish = Literal["stop", "start"]
"""What a text that came in asks for."""

if TYPE_CHECKING:
    DecidePlan = Callable[[Event, Known], Plan]
    DecideRipe = Callable[[Run, Delivery, Known], tuple[Sequence[Delivery], Sequence[tuple[str, str]]]]
    DecideText = Callable[[Delivery, Event, Known], Delivery]
    Follow = Callable[[Run], Sequence[Delivery]]
    Merge = Callable[[Event, Event], Event | None]


class Store(
    Alarms,
    Answers,
    Audit,
    Conversation,
    Kept,
    Memories,
    Modes,
    Moves,
    Nodes,
    Pages,
    People,
    Replays,
    Secrecy,
    Standings,
    Unconfirmed,
    Protocol,
):
    """The ledger."""

    async def accept(self, event: Event, body: bytes, merge: Merge) -> Accepted:
        """Write an event down, or recognise it by source, key and type.

        Of a repeat, `merge(known, again)` makes the call.enriched event, or None when it brought nothing new.
        """

    async def accept_text(self, event: Event, body: bytes, wish: Wish | None, *, now: float) -> Accepted:
        """Write down a text that came in and opt its sender out or in, in one transaction; a repeat does neither."""

    async def save_foreign_texts(self, listed: Sequence[ForeignText]) -> int:
        """Count what others on the account sent, once each; answers how many were new.

        A text of ours, which may still be leaving, is recognised by its id there, or by people, words and time.
        """

    async def known(self, source: str, key: str) -> list[Event]:
        """The events of one call, in the order of their arrival."""

    async def note_request(self, note: RequestNote) -> None:
        """Keep a request that made no event."""

    async def plan(
        self, decide: DecidePlan, *, now: float, config: str, windows: Windows, prefix: Callable[[str], str], limit: int
    ) -> int:
        """Judge the next events in order of arrival, each with facts that hold the ones before it; answers how many."""

    async def plan_and_take(
        self,
        decide: DecidePlan,
        wants: Mapping[str, Want],
        *,
        now: float,
        config: str,
        windows: Windows,
        prefix: Callable[[str], str],
        limit: int,
    ) -> Planned:
        """The same, and a claim of what is due at once, as far as `wants` go: single jobs of no lane, and no texts.

        A ledger that is shared may take nothing: another relay may be idle.
        """

    async def ripen(
        self, decide: DecideRipe, *, now: float, windows: Windows, prefix: Callable[[str], str], limit: int
    ) -> int:
        """Let waiting and held deliveries whose time has come be decided again; answers how many were.

        `decide` answers the changed deliveries, and (person, tag) pairs to be kept.
        """

    async def claim(self, wants: Mapping[str, Want], *, now: float) -> Taken:
        """Take due deliveries, oldest first but for a share of the newest, lanes in order."""

    async def claim_unknown(self, *, now: float, lease: float, limit: int) -> list[Claimed]:
        """Take texts of unknown fate whose settling time is over."""

    async def begin_text(
        self,
        delivery: Delivery,
        address: TextAddress,
        decide: DecideText,
        follow: Follow,
        *,
        now: float,
        windows: Windows,
    ) -> Delivery:
        """Judge a claimed text in one transaction with the limits it counts against, and mark it accordingly."""

    async def settle(self, settlements: Sequence[Settlement], follow: Follow) -> int:
        """Write down how tries ended, unless somebody else has claimed meanwhile; answers how many held."""

    async def give_back(self, deliveries: Sequence[Delivery]) -> int:
        """Let go of claims under which no try has begun, unless somebody else has claimed meanwhile.

        Answers how many were let go; they are due again, and none of them counts as a try.
        """

    async def free_leases(self, *, now: float, settle: float, everything: bool) -> int:
        """Give back what was claimed and not settled: all of it at a start, else what outlived its lease.

        Texts that may have been sent become unknown, to be looked up `settle` seconds later.
        """

    async def next_due_at(self, connectors: Sequence[str], *, now: float, unknown: bool = True) -> float | None:
        """When something falls due next, after now."""

    async def save_rule(self, version: str, name: str, form: str, now: float) -> None:
        """Keep a version of a rule as long as anything names it."""

    async def owed_versions(self) -> list[tuple[str, str]]:
        """(version, form) of every rule version that something owed names."""

    async def owed_connectors(self) -> set[str]:
        """Names of connectors that something owed names."""

    async def bury(self, connector: str, reason: str, *, now: float) -> int:
        """Give up on everything that is due to a connector; answers how much that was."""

    async def save_numbers(self, numbers: Sequence[Owned]) -> None:
        """Keep what the phone system says of the business's numbers, in place of what it said before."""

    async def numbers(self) -> list[Owned]:
        """The business's numbers as last read."""

    async def states(self) -> dict[str, int]:
        """How many deliveries stand in each state."""

    async def oldest_due(self) -> float | None:
        """When the oldest delivery that is due fell due."""

    async def event(self, reference: str) -> Event | None:
        """One event by its id, or the latest by its call id; `last` is the latest of all."""

    async def events(
        self,
        *,
        limit: int,
        before: int | None = None,
        person: str | None = None,
        number: str | None = None,
        kind: str | None = None,
    ) -> list[Event]:
        """Events, newest first; of one person, on one number, of one type."""

    async def verdicts(self, event: str) -> tuple[Verdict, ...] | None:
        """The verdicts on an event; None while it is not planned."""

    async def deliveries(
        self, *, limit: int, state: str | None = None, event: str | None = None, before: int | None = None
    ) -> list[Delivery]:
        """Deliveries, newest first; those of one event in the order of the steps."""

    async def attempts(self, delivery: str) -> list[Attempt]:
        """Every try of a delivery, oldest first."""

    async def texts(self, *, limit: int) -> list[dict[str, Any]]:
        """Texts, newest first."""

    async def requests(self, *, limit: int, kind: str | None = None, before: int | None = None) -> list[RequestNote]:
        """Requests that made no event, newest first."""

    async def totals(self) -> dict[str, int]:
        """Counted: events, enriched, duplicates, unplanned, refused (requests) and tests."""

    async def opt_out(self, person: str, *, now: float, how: str) -> int:
        """Never text this person again; outlives everything but an explicit `opt_in`.

        Answers how many waiting texts are judged at once, and so suppressed.
        """

    async def opt_in(self, person: str) -> bool:
        """Take an opt-out back; False when there was none."""

    async def opt_outs(self, *, limit: int, before: tuple[float, int] | None = None) -> list[dict[str, Any]]:
        """Who opted out (`number`, `at`, `how`), newest first; no number where it was erased.

        `before` is the moment of an earlier page's last, and how many of that very moment were shown.
        """

    async def switch_texts(self, *, off: bool) -> None:
        """Turn every text off or on again; what is due meanwhile is held, within its `at_most`."""

    async def texts_are_off(self) -> bool:
        """Whether texts are switched off."""

    async def retry(self, ids: Sequence[str], *, now: float) -> int:
        """Give dead deliveries another schedule of tries; answers how many there were.

        A connector of theirs that paused itself goes on: whoever tries again believes that it works.
        """

    async def cancel(self, ids: Sequence[str], follow: Follow, *, now: float) -> int:
        """Call off deliveries that have not begun; answers how many there were."""

    async def release(self, event: str, follow: Follow, *, now: float) -> int:
        """Let a quarantined event's deliveries go, without its texts; answers how many there were.

        Each is due when it would have been without; what stands below a text is called off.
        """

    async def quarantined(self, *, limit: int) -> list[Event]:
        """Events that wait for somebody to release them, newest first."""

    async def mark(self, name: str) -> float | None:
        """How far a loop of the relay has come, Unix seconds."""

    async def set_mark(self, name: str, at: float) -> None:
        """Remember how far a loop has come."""

    async def without_ai(self, source: str, *, since: float, until: float) -> list[Event]:
        """Calls that arrived within (since, until] without AI fields, and have not been enriched since; 500 at most."""

    async def close(self) -> None:
        """Finish what waits, then let go of the store."""
