"""How what was taken ends: texts judged and marked before they leave, tries written down, what is hopeless buried."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from relay.models import State
from relay.store.sealing import words
from relay.store.sql.facts import LedgerKnown
from relay.store.sql.many import insert_many
from relay.store.sql.memories import remember
from relay.store.sql.moves import settle_move
from relay.store.sql.planning import event_named, follow_up, followed
from relay.store.sql.rows import plain, save_deliveries, save_delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Attempt, Delivery
    from relay.store import DecideText, Follow, Settlement, TextAddress, Windows
    from relay.store.sql.connection import Connection

_TEXT_STATES = {
    State.DELIVERED: "sent",
    State.UNKNOWN: "unknown",
    State.ABANDONED: "abandoned",
    State.SENDING: "sending",
}


def begin_text(
    connection: Connection,
    delivery: Delivery,
    address: TextAddress,
    decide: DecideText,
    follow: Follow,
    *,
    now: float,
    windows: Windows,
) -> Delivery:
    """Judge a claimed text with everything it counts against, in the transaction that marks it."""
    current = connection.execute("select claims, state from deliveries where id = ?", (delivery.id,)).fetchone()
    if current is None or current["claims"] != delivery.claims or current["state"] != State.DUE:
        return delivery.moved(State.CANCELLED, reason="claimed by somebody else")
    event = event_named(connection, delivery.event)
    known = LedgerKnown(connection, event, now=now, windows=windows, prefix=lambda _: address.prefix)
    decided = decide(delivery, event, known)
    known.insist()
    if decided.state not in (State.SENDING, State.SHADOW):
        save_delivery(connection, decided)
        follow_up(connection, decided, follow)
        return decided
    connection.execute(
        "update deliveries set state = ?, reason = ?, settled_at = ?, "
        "lease_until = case when ? then lease_until end where id = ?",
        (decided.state, decided.reason, decided.settled_at, decided.state is State.SENDING, decided.id),
    )
    connection.execute(
        "insert into texts (id, run, rule, recipient, prefix, sender, body, state, shadow, at) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set sender = excluded.sender, "
        "body = excluded.body, state = excluded.state, shadow = excluded.shadow, at = excluded.at, provider_id = null",
        (
            decided.id,
            decided.run,
            decided.rule,
            address.recipient,
            address.prefix,
            address.sender,
            words(connection, None if address.body is None else plain(address.body)),
            decided.state,
            decided.state is State.SHADOW,
            now,
        ),
    )
    follow_up(connection, decided, follow)
    return decided


class _OverError(Exception):
    """One of several claims is over."""


def settle_all(connection: Connection, several: Sequence[tuple[Sequence[Settlement], Follow]]) -> list[int]:
    """Write down how tries ended; a settlement whose claim is over changes nothing but the list of attempts.

    Answers for each of the several how many of its settlements held.
    """
    settlements = [settlement for some, _ in several for settlement in some]
    attempts = [_attempt_row(connection, one.attempt) for one in settlements if one.attempt is not None]
    if attempts:
        insert_many(connection, "attempts (delivery, number, started_at, seconds, outcome, answer)", attempts)
    held = _save_all(connection, [settlement.delivery for settlement in settlements])
    answers = []
    ended: dict[Follow, list[Delivery]] = {}
    for some, follow in several:
        holding = [settlement for settlement in some if settlement.delivery.id in held]
        for settlement in holding:
            if settlement.remember is not None:
                remember(connection, settlement.remember)
            if settlement.delivery.kind == "text":
                _mark_text(connection, settlement)
            elif settlement.delivery.kind in {"regroup", "update_number"}:
                settle_move(connection, settlement.delivery)
        ended.setdefault(follow, []).extend(settlement.delivery for settlement in holding)
        answers.append(len(holding))
    for follow, deliveries in ended.items():
        followed(connection, deliveries, follow)
    return answers


def settle(connection: Connection, settlements: Sequence[Settlement], follow: Follow) -> int:
    """The same for the settlements of one group; answers how many held."""
    [held] = settle_all(connection, [(settlements, follow)])
    return held


def _save_all(connection: Connection, deliveries: Sequence[Delivery]) -> set[str]:
    """Ids of those whose claims still held: nearly always all of them."""
    if len({delivery.id for delivery in deliveries}) == len(deliveries):
        with contextlib.suppress(_OverError), connection.apart():
            if save_deliveries(connection, deliveries) < len(deliveries):
                raise _OverError
            return {delivery.id for delivery in deliveries}
    return {delivery.id for delivery in deliveries if save_delivery(connection, delivery)}


def _attempt_row(connection: Connection, attempt: Attempt) -> tuple[Any, ...]:
    return (
        attempt.delivery,
        attempt.number,
        attempt.started_at,
        attempt.seconds,
        attempt.outcome,
        words(connection, plain(attempt.answer)),
    )


def _mark_text(connection: Connection, settlement: Settlement) -> None:
    delivery = settlement.delivery
    state = _TEXT_STATES.get(delivery.state)
    if state is None:  # provably not accepted: it occupies nobody's cooldown
        connection.execute("delete from texts where id = ? and shadow = 0", (delivery.id,))
        return
    connection.execute("update texts set state = ? where id = ?", (state, delivery.id))
    if settlement.provider_id is not None:
        # A provider's id that another text already bears tells nothing; that text keeps it.
        connection.execute(
            "update texts set provider_id = ?1 where id = ?2 "
            "and not exists (select 1 from texts other where other.provider_id = ?1)",
            (plain(settlement.provider_id), delivery.id),
        )


def bury(connection: Connection, connector: str, reason: str, now: float) -> int:
    """Give up on everything that waits for a connector, claimed or not; what is being sent settles by itself."""
    done = connection.execute(
        "update deliveries set state = 'dead', reason = ?, settled_at = ?, lease_until = null, claims = claims + 1 "
        "where connector = ? and state in ('due', 'waiting', 'held')",
        (words(connection, plain(reason)), now, connector),
    )
    return done.rowcount
