"""Moves of numbers as rows: runs, their changes, and what is asked of them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from relay.models import OVER, Change, MoveFacts, NumberRun, PastMove, State
from relay.store.sealing import words
from relay.store.sql.facts import LedgerKnown
from relay.store.sql.move_rows import CHANGE, INSERT_CHANGE, RUN, change_of, insert_run, run_of, save, saved
from relay.store.sql.planning import event_named, follow_up
from relay.store.sql.rows import dump, owned_of, plain, save_delivery

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relay.models import Delivery, Event, MoveJudgement
    from relay.store import Follow, Windows
    from relay.store.moves import JudgeChange, JudgeMove
    from relay.store.sql.connection import Connection, Row

DAY = 86400.0
_LOOK = 20
"""Past moves of one number that are looked at."""


def add_run(connection: Connection, run: NumberRun, changes: Sequence[Change]) -> None:
    """Write down a run and its moves."""
    insert_run(connection, run)
    connection.executemany(INSERT_CHANGE, [saved(connection, change, place) for place, change in enumerate(changes)])


def number_run(connection: Connection, reference: str) -> NumberRun | None:
    """One run by its id, by how that begins, or the last."""
    if reference == "last":
        rows = connection.execute(f"select {RUN} from number_runs order by at desc, id desc limit 1").fetchall()  # noqa: S608 - columns only
    else:
        rows = connection.execute(
            f"select {RUN} from number_runs where id >= ? and id < ? order by id limit 2",  # noqa: S608 - columns only
            (reference, f"{reference}\U0010ffff"),
        ).fetchall()
    exact = [row for row in rows if row["id"] == reference]
    found = exact or rows
    return run_of(found[0]) if len(found) == 1 else None


def number_runs(
    connection: Connection, limit: int, states: Collection[str], before: tuple[float, str] | None
) -> list[NumberRun]:
    """Runs, newest first."""
    which = [f"state in ({', '.join('?' * len(states))})"] if states else []
    which += ["(at < ? or (at = ? and id < ?))"] if before is not None else []
    where = f"where {' and '.join(which)}" if which else ""
    values = (*states, *(() if before is None else (before[0], *before)))
    rows = connection.execute(
        f"select {RUN} from number_runs {where} order by at desc, id desc limit ?",  # noqa: S608 - columns only
        (*values, limit),
    )
    return [run_of(row) for row in rows]


def changes(connection: Connection, run: str, limit: int) -> list[Change]:
    """The moves of a run, in their order."""
    rows = connection.execute(
        f"select {CHANGE} from changes where run = ? order by place, at, id limit ?",  # noqa: S608 - columns only
        (run, limit),
    )
    return [change_of(row) for row in rows]


def number_changes(connection: Connection, number: str, limit: int) -> list[Change]:
    """What was done with one number, newest first."""
    rows = connection.execute(
        f"select {CHANGE} from changes where number = ? order by at desc limit ?",  # noqa: S608 - columns only
        (number, limit),
    )
    return [change_of(row) for row in rows]


def last_moves(connection: Connection, now: float) -> dict[str, tuple[PastMove, int]]:
    """Of every number that was ever moved, the last time, and its flaps of the last day."""
    rows = connection.execute(
        f"select number, at, source, target, kind, by from ({_PAST}) c where nth <= ? order by number, at desc",  # noqa: S608 - constants
        (_LOOK,),
    )
    found: dict[str, tuple[PastMove, int]] = {}
    past: list[Row] = []
    for row in rows:
        if past and past[0]["number"] != row["number"]:
            found[past[0]["number"]] = (_past(past[0]), _flaps(past, now))
            past = []
        past.append(row)
    if past:
        found[past[0]["number"]] = (_past(past[0]), _flaps(past, now))
    return found


_PAST = (
    "select c.number, c.at, c.source, c.target, c.kind, r.by, "
    "row_number() over (partition by c.number order by c.at desc) as nth "
    "from changes c join number_runs r on r.id = c.run where c.state = 'done' and c.moved = 1"
)


def facts_of(connection: Connection, number: str, change: str, now: float) -> MoveFacts:
    """What the ledger knows of a number's moves."""
    owned = connection.execute("select * from numbers where number = ?", (number,)).fetchone()
    past = connection.execute(
        "select c.number, c.at, c.source, c.target, c.kind, r.by from changes c join number_runs r on r.id = c.run "
        "where c.number = ? and c.state = 'done' and c.moved = 1 order by c.at desc limit ?",
        (number, _LOOK),
    ).fetchall()
    other = connection.execute(
        "select id from changes where number = ? and state = 'under_way' and id <> ? limit 1", (number, change)
    ).fetchone()
    return MoveFacts(
        owned=None if owned is None else owned_of(owned),
        last=_past(past[0]) if past else None,
        flaps=_flaps(past, now),
        under_way=None if other is None else other["id"],
    )


def _after(last: PastMove | None, now: float) -> float:
    """Now, or a moment after the last move where the machine's clock was set back: their order is what counts."""
    return now if last is None else max(now, last.at + 0.001)


def _past(row: Row) -> PastMove:
    return PastMove(row["at"], row["source"], row["target"], row["by"])


def _flaps(past: Sequence[Row], now: float) -> int:
    """How often, in the last day, a rule or a plan took it back to where it had just come from."""
    made = [row for row in past if row["kind"] == "regroup"]
    return sum(later["target"] == earlier["source"] and later["at"] > now - DAY for later, earlier in pairwise(made))


def begin_move(
    connection: Connection,
    delivery: Delivery,
    run: NumberRun,
    draft: Change,
    judge: JudgeMove,
    follow: Follow,
    *,
    now: float,
    windows: Windows,
) -> tuple[Delivery, MoveJudgement | None]:
    """Judge a rule's claimed move with all that the ledger knows, in the transaction that notes it."""
    current = connection.execute("select claims, state from deliveries where id = ?", (delivery.id,)).fetchone()
    if current is None or current["claims"] != delivery.claims or current["state"] not in (State.DUE, State.SENDING):
        return replace(delivery, state=State.CANCELLED, reason="claimed by somebody else"), None
    event = event_named(connection, delivery.event)
    known = LedgerKnown(connection, event, now=now, windows=windows, prefix=lambda _: "")
    facts = _with_run(connection, facts_of(connection, draft.number, draft.id, now), run, event, delivery)
    said = judge(event, known, facts)
    known.insist()
    if said.word == "go":
        _note_run(connection, replace(run, moves=facts.siblings))
        begun = connection.execute("select notes from changes where id = ?", (draft.id,)).fetchone()
        notes = {} if begun is None else json.loads(begun["notes"])
        source, at = None if facts.owned is None else facts.owned.group, _after(facts.last, now)
        if begun is None:
            connection.execute(
                INSERT_CHANGE, saved(connection, replace(draft, source=source, state="under_way", at=at), 0)
            )
        else:
            connection.execute("update changes set state = 'under_way' where id = ?", (draft.id,))
        return replace(delivery, notes={**delivery.notes, **notes}), said
    if said.word == "never":
        decided = delivery.moved(State.SUPPRESSED, reason=said.reason, settled_at=now)
        save_delivery(connection, decided)
        connection.execute(
            "update changes set state = 'held', reason = ?, settled_at = ? where id = ?",
            (words(connection, plain(said.reason)), now, draft.id),
        )
        follow_up(connection, decided, follow)
        return decided, said
    if said.word == "ask":
        asked = replace(run, state="asking", why=said.reason, ask=said.ask, until=said.until, moves=facts.siblings)
        _note_run(connection, asked)
        _hold_back(connection, asked, delivery)
    held = delivery.moved(State.HELD, reason=said.reason, due_at=said.until)
    save_delivery(connection, held)
    return held, said


def _with_run(connection: Connection, facts: MoveFacts, run: NumberRun, event: Event, delivery: Delivery) -> MoveFacts:
    """The facts with what is known of the run: whether it is there, and whether all of it is."""
    known = connection.execute(f"select {RUN} from number_runs where id = ?", (run.id,)).fetchone()  # noqa: S608 - columns only
    if known is not None:
        found = run_of(known)
        return replace(facts, run=found, siblings=found.moves)
    of = event.call.get("numbers")
    if not isinstance(of, int):
        return facts
    values = (event.source, f"{run.key}/", f"{run.key}0")
    planned = connection.execute(
        "select count(*) as n from events where source = ? and key >= ? and key < ? and planned_at is not null", values
    ).fetchone()
    if planned["n"] < of:
        return replace(facts, gathered=False)
    siblings = connection.execute(
        "select count(*) as n from deliveries where kind = 'regroup' and rule = ? "
        "and state in ('waiting', 'due', 'sending', 'held', 'delivered', 'dead') "
        "and event in (select id from events where source = ? and key >= ? and key < ?)",
        (delivery.rule, *values),
    ).fetchone()
    return replace(facts, siblings=siblings["n"])


def _hold_back(connection: Connection, run: NumberRun, delivery: Delivery) -> None:
    """Everything of a run that asks waits with it."""
    connection.execute(
        "update deliveries set state = 'held', reason = ?, due_at = ? where kind = 'regroup' and rule = ? "
        "and state = 'due' and lease_until is null and (run = ? or event in "
        "(select id from events where source = 'clock' and key >= ? and key < ?))",
        (words(connection, plain(run.why)), run.until, run.by, delivery.run, f"{run.key}/", f"{run.key}0"),
    )


def begin_change(connection: Connection, change: str, judge: JudgeChange, now: float) -> Change:
    """Judge a planned move, in the transaction that notes it as begun."""
    row = connection.execute(f"select {CHANGE} from changes where id = ?", (change,)).fetchone()  # noqa: S608 - columns only
    found = change_of(row)
    if found.state in OVER:
        return found
    facts = facts_of(connection, found.number, found.id, now)
    said = judge(found, facts)
    if said.word == "go":
        source = found.source if facts.owned is None else facts.owned.group
        at = _after(facts.last, now) if found.state == "planned" else found.at
        begun = replace(found, state="under_way", at=at, source=source)
    else:
        begun = replace(found, state="held", reason=said.reason, settled_at=now)
    save(connection, begun)
    return begun


def note_change(connection: Connection, change: str, notes: Mapping[str, Any]) -> None:
    """Remember how far a move has come."""
    connection.execute("update changes set notes = ? where id = ?", (words(connection, dump(dict(notes))), change))


def settle_change(connection: Connection, change: Change) -> None:
    """Write down how a move ended; the ledger's list of numbers says so at once."""
    save(connection, change)
    if change.state != "done":
        return
    if change.kind == "update_number" or (change.kind == "restore" and change.action.get("groups") is None):
        if (name := change.action.get("friendly_name")) is not None:
            connection.execute(
                "update numbers set name = ? where number = ?", (words(connection, plain(name)), change.number)
            )
        return
    connection.execute(
        "update numbers set group_name = ?, group_id = ? where number = ?",
        (change.to, change.notes.get("group_id"), change.number),
    )


def settle_move(connection: Connection, delivery: Delivery) -> None:
    """The same for a rule's move, by how its delivery stands."""
    row = connection.execute(f"select {CHANGE} from changes where id = ?", (delivery.id,)).fetchone()  # noqa: S608 - columns only
    if row is None:
        return
    change = change_of(row)
    notes = {**change.notes, **delivery.notes}
    change = replace(change, notes=notes, reason=delivery.reason, settled_at=delivery.settled_at)
    if delivery.state is State.DELIVERED:
        moved = change.kind == "regroup" and was_moved(notes, change.to)
        settle_change(connection, replace(change, state="done", moved=moved))
    elif delivery.state.settled:
        settle_change(connection, replace(change, state="failed"))
    else:
        save(connection, change)
        return
    # A run that somebody approved is over with its last move.
    connection.execute(
        "update number_runs set state = 'done' where id = ? and state = 'approved' and moves <= "
        "(select count(*) from changes where run = ? and state in ('done', 'failed', 'held'))",
        (change.run, change.run),
    )


def was_moved(notes: Mapping[str, Any], to: str | None) -> bool:
    """Whether a number is in another group now than its notes say that it was in before."""
    before = [group.get("name") for group in (notes.get("before") or {}).get("groups", ())]
    return before != ([] if to is None else [to])


def move_run(connection: Connection, run: NumberRun, was: Collection[str], now: float) -> bool:
    """Save a run, unless its state is another one by now."""
    marks = ", ".join("?" * len(was))
    done = connection.execute(
        "update number_runs set state = ?, why = ?, ask = ?, until = ?, told_at = ?, answered_by = ?, answered_at = ? "  # noqa: S608 - marks only
        f"where id = ? and state in ({marks})",
        (
            run.state,
            plain(run.why),
            run.ask,
            run.until,
            run.told_at,
            run.answered_by,
            run.answered_at,
            run.id,
            *was,
        ),
    )
    if done.rowcount and run.kind == "rule" and run.state != "asking":
        connection.execute(
            "update deliveries set due_at = ? where kind = 'regroup' and rule = ? and state = 'held' and due_at > ? "
            "and (run = ? or event in (select id from events where source = 'clock' and key >= ? and key < ?))",
            (now, run.by, now, run.key, f"{run.key}/", f"{run.key}0"),
        )
    return done.rowcount == 1


def _note_run(connection: Connection, run: NumberRun) -> None:
    """Write down a rule's run, the first time that one of its moves is judged."""
    insert_run(connection, run if run.state == "asking" else replace(run, state="done"))
