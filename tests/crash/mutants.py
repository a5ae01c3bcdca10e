"""The relay, broken on purpose in one place each (reliability 4.4): a crash test that lets one pass proves nothing.

What the ledger is asked for is carried to its process by name, so that what stands in for it has the same one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

from relay.errors import Unavailable, Unclear
from relay.models import State
from relay.rules import judging as rules
from relay.store import Accepted
from relay.store.sql import claiming, settling
from relay.store.sqlite import SqliteStore, opening
from relay.texting import judging as texting
from relay.worker import carrier, fate

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.models import Event
    from relay.store import Settlement, Taken

Caught = Literal["lost", "twice", "after_stop", "fsyncs"]


@dataclass(frozen=True)
class Mutant:
    """What is broken, and by which part of the reckoning it must be caught."""

    apply: Callable[[], None]
    caught: Caught
    settle: str = "3s"
    """Seconds that the configuration gives a text of unknown fate."""
    lag: float = 0.3
    """Seconds by which the phone system's lists are behind."""


def ack_before_commit() -> None:
    """The sender is answered, and the event is written down a moment later."""
    accept, later = SqliteStore.accept, set[asyncio.Task[Any]]()

    async def hasty(self: SqliteStore, event: Event, body: bytes, merge: Any) -> Accepted:
        async def write() -> None:
            await asyncio.sleep(0.2)
            await accept(self, event, body, merge)

        task = asyncio.ensure_future(write())
        later.add(task)
        task.add_done_callback(later.discard)
        return Accepted(event.id)

    SqliteStore.accept = hasty


def done_before_send() -> None:
    """What is claimed is written down as delivered, and then sent."""
    claim = claiming.claim

    @wraps(claim)
    def hasty(connection: Any, wants: Any, *, now: float) -> Taken:
        taken = claim(connection, wants, now=now)
        for one in taken.claimed:
            if one.delivery.kind != "text":
                connection.execute(
                    "update deliveries set state = 'delivered', lease_until = null where id = ?", (one.delivery.id,)
                )
        return taken

    claiming.claim = hasty


def send_before_intent() -> None:
    """A text is judged, sent, and only then marked as sending."""
    begin, settle_all = settling.begin_text, settling.settle_all
    waiting: dict[str, Callable[[Any], Any]] = {}

    class Undo(Exception):
        """Carries the answer out of what is undone."""

    @wraps(begin)
    def hasty_begin(connection: Any, delivery: Any, **others: Any) -> Any:
        try:
            with connection.apart():
                raise Undo(begin(connection, delivery=delivery, **others))  # noqa: TRY301 - leaving is what undoes it
        except Undo as undone:
            decided = undone.args[0]
        if decided.state is not State.SENDING:
            return begin(connection, delivery=delivery, **others)
        waiting[delivery.id] = lambda later: begin(later, delivery=delivery, **others)
        return decided

    @wraps(settle_all)
    def late_settle(connection: Any, several: list[tuple[list[Settlement], Any]]) -> Any:
        for settlements, _ in several:
            for settlement in settlements:
                waiting.pop(settlement.delivery.id, lambda _: None)(connection)
        return settle_all(connection, several)

    settling.begin_text, settling.settle_all = hasty_begin, late_settle


def rescue_to_planned() -> None:
    """A text that was being sent when its relay died is due again."""
    free = claiming.free_leases

    @wraps(free)
    def hasty(connection: Any, *, now: float, settle: float, everything: bool) -> int:
        over = float("inf") if everything else now
        connection.execute(
            "update deliveries set state = 'due', lease_until = null, claims = claims + 1 "
            "where kind = 'text' and state = 'sending' and lease_until is not null and lease_until <= ?",
            (over,),
        )
        return free(connection, now=now, settle=settle, everything=everything)

    claiming.free_leases = hasty


def retry_on_timeout() -> None:
    """An answer to a text that was not clear is taken for a no."""
    move = carrier.move

    def hasty(delivery: Any, outcome: Any, *others: Any, **more: Any) -> Any:
        return move(delivery, Unavailable(str(outcome)) if isinstance(outcome, Unclear) else outcome, *others, **more)

    carrier.move = hasty


def resend_if_absent() -> None:
    """A text that the list does not show is sent again."""
    settled = fate._settled

    def hasty(delivery: Any, first: Any, second: Any, now: float) -> Settlement:
        said = settled(delivery, first, second, now)
        if said.delivery.state is not State.ABANDONED:
            return said
        return fate.Settlement(delivery.moved(State.DUE, due_at=now))

    fate._settled = hasty


def no_cooldown() -> None:
    """Nobody looks whether a person was texted before."""
    assert texting.cooling is rules.cooling  # both places that ask
    texting.cooling = rules.cooling = lambda *_: None


def deaf_to_stop() -> None:
    """Nobody looks whether a person asked not to be texted."""
    begin = settling.begin_text

    @wraps(begin)
    def hasty(connection: Any, **others: Any) -> Any:
        connection.execute("delete from opt_outs")
        return begin(connection, **others)

    settling.begin_text = hasty


def synchronous_off() -> None:
    """A commit does not wait for the disk; kill -9 cannot see it, the count of fsyncs can."""
    connect = opening.connect

    def hasty(*opening: Any) -> Any:
        connection = connect(*opening)
        connection.execute("pragma synchronous = off")
        return connection

    opening.connect = hasty
    from relay.store.sqlite import writer  # noqa: PLC0415 - it has taken the name over

    writer.connect = hasty


MUTANTS: dict[str, Mutant] = {
    "ack_before_commit": Mutant(ack_before_commit, "lost"),
    "done_before_send": Mutant(done_before_send, "lost"),
    "send_before_intent": Mutant(send_before_intent, "twice"),
    "rescue_to_planned": Mutant(rescue_to_planned, "twice"),
    "retry_on_timeout": Mutant(retry_on_timeout, "twice"),
    "resend_if_absent": Mutant(resend_if_absent, "twice", settle="0.1s", lag=6.0),
    "no_cooldown": Mutant(no_cooldown, "twice"),
    "deaf_to_stop": Mutant(deaf_to_stop, "after_stop"),
    "synchronous_off": Mutant(synchronous_off, "fsyncs"),
}
