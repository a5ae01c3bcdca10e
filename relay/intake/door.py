"""What happens to one webhook between its last byte and its answer."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import BadBody, StoreBusy
from relay.intake.body import is_printable, read_json
from relay.intake.reading import MAPPABLE, merge, read_event
from relay.intake.texts import RECEIVED, UNANSWERED, wish_of
from relay.models import CALL_TYPES, ENRICHED, UNCONFIRMED, quick
from relay.peers import origin
from relay.store import RequestNote
from relay.traces import Untold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.metrics import Metrics
    from relay.models import Event
    from relay.proof import Proof
    from relay.store import Accepted, Store
    from relay.traces import Traces

log = structlog.get_logger(__name__)

CROWD = 32
"""Events that wait to be written down at once, from which on they go before planning and sending."""
RUSH = 2500.0
"""Events a second, from which on they go first as well: more than can be planned and sent at the same time."""
MOMENT = 0.1
"""Seconds for which planning and sending stand back; between them they go on, so that nothing waits for ever."""
_KEPT_BODY = 4096
_KEPT_HEADERS = {"content-type", "content-length", "content-encoding", "user-agent", "host"}
_TOLD_AGAIN = 600.0
_REFUSED_AGAIN = 60.0
"""Seconds for which the log is silent on further refusals of the same status; each is kept all the same."""
_OF_LATE = 300.0
"""Seconds for which it is told that an event could not be written down."""
_KNOWN_TYPES = {*CALL_TYPES, ENRICHED, RECEIVED, UNANSWERED}


@dataclass(frozen=True, slots=True)
class Source:
    """A door webhooks come through, and how a sender proves itself there."""

    name: str
    type: str
    proof: Proof
    map: Mapping[str, str] = field(default_factory=dict)
    """For type json: our field names (any of MAPPABLE), and where they stand in the sender's body (dotted).

    What begins with `=` stands nowhere: it is the value itself.
    """
    confirm: bool = False
    """Whether its calls are acted on only once the phone system knows them."""


@quick
@dataclass(frozen=True, slots=True)
class Reply:
    """What the sender is answered. `event` is None for a test, and for what was refused."""

    status: int
    event: str | None = None
    duplicate: bool = False
    detail: str = ""


class RefusalLimit:
    """A bucket of refusals for each address: `burst` at once, then `rate` a second. Proved requests never count."""

    def __init__(self, burst: float = 60.0, rate: float = 10.0, most: int = 50_000) -> None:
        self._burst, self._rate, self._most = burst, rate, most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, address: str, now: float) -> bool:
        """Count one refusal; False when the address has used up what it may."""
        address = origin(address)
        left, since = self._buckets.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left >= 1.0
        self._buckets[address] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return allowed


class Intake:
    """Takes events in: from webhooks, and from the relay's own clock, backfill and replay."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        metrics: Metrics,
        arrived: Callable[[], None] = lambda: None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`arrived` is called after each commit that leaves something to plan; `ticks` paces refusals, in seconds."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._arrived = arrived
        self._ticks = ticks
        self.traces: Traces = Untold()
        """Told of every webhook that made an event, or came again."""
        self._notes: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._came, self._rate, self._counted_at = 0, 0.0, ticks()
        self._limit = RefusalLimit()
        self._told_refused: dict[int, float] = {}
        """When the log last said of a status that a webhook was refused with it."""
        self._unwritten: tuple[float, str] | None = None
        """When an event last could not be written down, and why."""
        self._told_previous: dict[str, float] = {}
        """When it was last said of a source that its sender still has the secret that is being replaced."""

    async def webhook(self, source: Source, headers: Sequence[tuple[str, str]], body: bytes, remote: str) -> Reply:
        """Prove, read, write down; answers what the sender is to be told. Never raises for what a sender sent."""
        if not self.traces.on:
            return await self._webhook(source, headers, body, remote)
        began = time.perf_counter()
        reply = await self._webhook(source, headers, body, remote)
        if reply.event is not None:
            name = "webhook again" if reply.duplicate else "webhook"
            self.traces.tell(name, reply.event, time.perf_counter() - began, source=source.name, status=reply.status)
        return reply

    async def _webhook(self, source: Source, headers: Sequence[tuple[str, str]], body: bytes, remote: str) -> Reply:
        now = self._clock()
        proved = source.proof.check(headers, body, now)
        if not proved.ok:
            return self.refuse(401, source.name, proved.reason, remote, headers, body)
        if proved.used_previous and now >= self._told_previous.get(source.name, 0.0) + _TOLD_AGAIN:
            self._told_previous[source.name] = now
            log.warning("the previous secret is still in use; give the sender the new one", source=source.name)
        try:
            written = read_json(body)
            fields, printable = _mapped(written, source.map), not source.map and is_printable(body)
            read = read_event(fields, source.name, now, raw=_raw(written), printable=printable)
        except BadBody as error:
            return self.refuse(error.status, source.name, str(error), remote, headers, body)
        try:
            if read.event is None:
                await self._store.note_request(_note("test", now, source.name, 200, read.reason, remote, headers, body))
                self._metrics.event(source.name, "test")
                log.info("a test came in, and its proof is right: kept, and acted on by no rule", source=source.name)
                return Reply(200, None)
            event = _in_doubt(read.event) if source.confirm else read.event
            accepted = await self.event(event, body, proved=source.proof.scheme != "none")
        except StoreBusy as error:
            self._unwritten = (now, str(error))
            log.error("an event could not be written down", source=source.name, why=str(error))
            self._metrics.event(source.name, "unavailable")
            return Reply(503, detail="the event could not be written down; send it again")
        return Reply(200 if accepted.duplicate else 202, accepted.event, accepted.duplicate)

    async def event(self, event: Event, body: bytes, *, proved: bool = True) -> Accepted:
        """Write an event down, whatever door it came through; `proved` says whether its sender proved itself there.

        What the sender of a text asks for (STOP, START) is done in the same transaction.

        Raises:
            StoreBusy: nothing was written.
        """
        if event.type == RECEIVED:
            wish = wish_of(event, proved=proved)
            accepted = await self._store.accept_text(event, body, wish, now=self._clock())
        else:
            self._waiting += 1
            self._came += 1
            try:
                accepted = await self._store.accept(event, body, merge)
            finally:
                self._waiting -= 1
        outcome = "duplicate" if accepted.duplicate else "accepted"
        if not accepted.duplicate and event.type not in _KNOWN_TYPES and not event.type.startswith("time."):
            outcome = "unknown_type"
        if not accepted.duplicate and event.type == RECEIVED and event.call.get("review"):
            log.warning("a text may ask to stop; a person should read it", id=event.id)
        self._metrics.event(event.source, outcome)
        if not accepted.duplicate or accepted.enriched:
            self._arrived()
        return accepted

    def unwritten(self) -> str | None:
        """Why an event could not be written down of late; None where all were."""
        at, why = self._unwritten or (-_OF_LATE, "")
        return why if 0 <= self._clock() - at < _OF_LATE else None

    async def let_in(self) -> bool:
        """Let a crowd at the door go first, for a moment: a sender gives up before long, what was let in does not.

        Answers whether there was one.
        """
        crowded = self._waiting >= CROWD or self._rushed() > RUSH
        if crowded:
            await asyncio.sleep(MOMENT)
        return crowded

    def _rushed(self) -> float:
        """How many events a second came of late."""
        passed = self._ticks() - self._counted_at
        if passed >= MOMENT:
            self._rate, self._came = self._came / passed, 0
            self._counted_at += passed
        return self._rate

    def refuse(
        self, status: int, source: str, reason: str, remote: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> Reply:
        """Count a refusal and keep it readable, without making its sender wait for the disk."""
        self._metrics.event(source, "refused")
        if not self._limit.spend(remote, self._ticks()):
            return Reply(429, detail="too many refused requests from this address")
        now = self._clock()
        if now >= self._told_refused.get(status, 0.0) + _REFUSED_AGAIN:
            self._told_refused[status] = now
            log.warning("a webhook was refused; `relay refused` lists them", status=status, why=_printed(reason))
        note = _note("refused", now, source, status, reason, remote, headers, body)
        task = asyncio.get_running_loop().create_task(self._keep(note))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)
        return Reply(status, detail=reason)

    async def _keep(self, note: RequestNote) -> None:
        try:
            await self._store.note_request(note)
        except StoreBusy as error:
            log.error("a refused request could not be kept", why=str(error))

    async def drain(self) -> None:
        """Wait until every refused request is kept."""
        if self._notes:
            await asyncio.wait(self._notes)


def _mapped(body: Any, places: Mapping[str, str]) -> Any:
    """What the sender's body says in our words.

    A field that is mapped is found only where the map says; of the others, what merely has one of our names and is no
    text or number says nothing about a call.
    """
    if not places or not isinstance(body, dict):
        return body
    own = {name: value for name, value in body.items() if not (name in MAPPABLE and isinstance(value, (dict, list)))}
    mapped = {MAPPABLE[name]: _dig(body, place) for name, place in places.items() if name in MAPPABLE}
    taken = {name for name in own if MAPPABLE.get(name) in mapped}
    return {**{name: value for name, value in own.items() if name not in taken}, **mapped}


def _raw(body: Any) -> Mapping[str, Any] | None:
    return body if isinstance(body, dict) else None


def _in_doubt(event: Event) -> Event:
    """As a call that the phone system has yet to confirm. A text cannot be: it comes again by the list of texts."""
    if event.type == RECEIVED:
        return replace(event, late=True)
    return replace(event, call={**event.call, UNCONFIRMED: "waiting"})


def _dig(value: Any, place: str) -> Any:
    if place.startswith("="):
        return place[1:]
    for part in place.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _note(
    kind: str,
    at: float,
    source: str,
    status: int,
    reason: str,
    remote: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
) -> RequestNote:
    """A request as it is kept: of its headers only the few values that hold no secret, and no text but sound UTF-8."""
    kept = {_printed(name): _printed(value) if name.lower() in _KEPT_HEADERS else "…" for name, value in headers}
    return RequestNote(kind, at, source, status, _printed(reason), _printed(remote), kept, body[:_KEPT_BODY])


def _printed(text: str) -> str:
    # aiohttp hands over bytes of a header that are no UTF-8 as lone surrogates.
    return text.encode("utf-8", "replace").decode()
