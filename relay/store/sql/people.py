"""Letting go of a person: every row that names them loses what it tells, and stays only where others need it.

Calls keep their numbers' counts, texts their places in the limits, events what recognises them when they come again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from relay.models import Verdict
from relay.store.sealing import keyed, words
from relay.store.sql.facts import person as hidden
from relay.store.sql.rows import IS_OWED, dump, dump_verdicts, load, verdicts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from relay.store.sql.connection import Connection

GONE = "forgotten"
_KEPT = ("id", "event", "outcome", "status", "direction", "duration", "is_test", "is_optout")
"""What an event may still tell: nothing of the person."""
_NATIONAL = 10
"""Digits of a number that strangers write without its country."""


def forget(connection: Connection, person: str, now: float) -> int:
    """Erase one person; answers how many rows were changed."""
    events = connection.execute("select seq, id, key, call from events where caller = ?", (person,)).fetchall()
    texts = [row["id"] for row in connection.execute("select id from texts where recipient = ?", (person,)).fetchall()]
    done = 0
    for event in events:
        done += _empty_event(connection, event, now)
        done += _settle(connection, "event", event["id"], now)
    for text in texts:
        done += _settle(connection, "id", text, now)
    changes: Sequence[tuple[str, tuple[Any, ...]]] = (
        ("update calls set caller = null where caller = ?", (person,)),
        ("update texts set recipient = ?, prefix = '', body = null where recipient = ?", (GONE, person)),
        ("update opt_outs set number = null where person = ? and number is not null", (hidden(connection, person),)),
        ("delete from tags where person = ?", (person,)),
        ("delete from once where value = ?", (keyed(connection, person),)),
        ("delete from memories where key = ?", (keyed(connection, person),)),
    )
    done += sum(connection.execute(sql, values).rowcount for sql, values in changes)
    done += connection.executemany(
        "delete from memories where key = ?", [(keyed(connection, event["key"]),) for event in events]
    ).rowcount
    done += _clear_mentions(connection, person)
    return done


def forget_all(connection: Connection, digests: Collection[bytes], now: float) -> int:
    """Erase everybody whose keyed digest is among these."""
    known = {
        row["number"]
        for question in (
            "select distinct caller as number from events where caller is not null",
            "select distinct caller as number from calls where caller is not null",
            "select distinct recipient as number from texts",
            "select number from opt_outs where number is not null",
        )
        for row in connection.execute(question).fetchall()
    }
    return sum(forget(connection, number, now) for number in sorted(known) if hidden(connection, number) in digests)


def _empty_event(connection: Connection, event: Any, now: float) -> int:
    told = {name: value for name, value in load(event["call"]).items() if name in _KEPT}
    changed = connection.execute(
        "update events set caller = null, caller_raw = null, body = null, raw = ?, call = ?, pruned = 2, "
        "planned_at = coalesce(planned_at, ?) where seq = ?",
        (words(connection, "{}"), words(connection, dump(told)), now, event["seq"]),
    ).rowcount
    connection.execute("delete from unconfirmed where event = ?", (event["id"],))
    row = connection.execute("select verdicts from verdicts where event = ?", (event["id"],)).fetchone()
    if row is not None:
        bare = [Verdict(verdict.rule, verdict.word, GONE) for verdict in verdicts_of(row["verdicts"])]
        connection.execute(
            "update verdicts set verdicts = ? where event = ?", (words(connection, dump_verdicts(bare)), event["id"])
        )
    return changed


def _settle(connection: Connection, column: str, value: str, now: float) -> int:
    """Empty the deliveries of an event, or one; what is owed is over, and whoever holds it finds its claim gone."""
    connection.execute(
        f"delete from attempts where delivery in (select id from deliveries where {column} = ?)",  # noqa: S608 - a constant
        (value,),
    )
    return connection.execute(
        "update deliveries set action = null, receipt = null, notes = ?, lane = null, reason = ?, claims = claims + 1, "  # noqa: S608 - constants
        "lease_until = null, due_at = null, settled_at = coalesce(settled_at, ?), "
        "state = case when state in ('sending', 'unknown') and kind = 'text' then 'abandoned' "
        f"when {IS_OWED} then 'cancelled' else state end where {column} = ?",
        (words(connection, "{}"), words(connection, GONE), now, value),
    ).rowcount


def _clear_mentions(connection: Connection, person: str) -> int:
    """Rows that name the person in running text: refused requests and answers go, alerts lose their words."""
    mention = re.compile(r"\D{0,3}".join(person.lstrip("+")[-_NATIONAL:]))
    requests = [
        (row["seq"],)
        for row in connection.execute("select seq, reason, headers, body from requests").fetchall()
        if any(mention.search(text) for text in (row["reason"], row["headers"], bytes(row["body"]).decode("latin-1")))
    ]
    asked = [
        (row["name"],)
        for row in connection.execute("select name, answer from asked where answer is not null").fetchall()
        if mention.search(row["answer"])
    ]
    alerts = [
        (words(connection, GONE), words(connection, ""), row["id"])
        for row in connection.execute("select id, what, remedy from alerts").fetchall()
        if mention.search(row["what"]) or mention.search(row["remedy"])
    ]
    done = 0
    for sql, rows in (
        ("delete from requests where seq = ?", requests),
        ("delete from asked where name = ?", asked),
        ("update alerts set what = ?, remedy = ? where id = ?", alerts),
    ):
        if rows:
            done += connection.executemany(sql, rows).rowcount
    return done
