"""What the ledger knows of people and numbers, by index, never by scanning."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from typing import TYPE_CHECKING

from relay.models import CALL_TYPES, CallerFacts, NumberFacts, TextFacts
from relay.store.sealing import keyed
from relay.store.sql.rows import owned_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.models import Event
    from relay.store import Windows
    from relay.store.sql.connection import Connection

HOUR, DAY = 3600.0, 86400.0
COUNTED = "state in ('sending', 'unknown', 'sent', 'abandoned')"
"""Texts that may have reached somebody."""


def _sum(condition: str) -> str:
    """SQL: for how many rows it holds."""
    return f"coalesce(sum(case when {condition} then 1 else 0 end), 0)"


def remember_call(connection: Connection, event: Event) -> None:
    """Keep the short row that facts are counted from; an answered call stays answered whatever comes later."""
    if (event.of_type or event.type) not in CALL_TYPES or event.call.get("is_test"):
        return
    connection.execute(
        "insert into calls (source, key, caller, number, began_at, direction, outcome, answered, seconds) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (source, key) do update set "
        "answered = case when excluded.answered > calls.answered then excluded.answered else calls.answered end, "
        "seconds = case when excluded.seconds > calls.seconds then excluded.seconds else calls.seconds end, "
        "caller = coalesce(calls.caller, excluded.caller), number = coalesce(calls.number, excluded.number), "
        "began_at = case when excluded.began_at < calls.began_at then excluded.began_at else calls.began_at end, "
        "outcome = case when excluded.answered = 1 or calls.answered = 0 then excluded.outcome else calls.outcome end",
        (
            event.source,
            event.key,
            event.caller,
            event.number,
            event.began_at,
            event.call.get("direction", "inbound"),
            event.call.get("outcome", ""),
            event.call.get("outcome") == "answered",
            event.call.get("duration") or 0,
        ),
    )


class LedgerKnown:
    """Answers about one event, read when asked, once, on the connection of the transaction that decides."""

    def __init__(
        self,
        connection: Connection,
        event: Event,
        *,
        now: float,
        windows: Windows,
        prefix: Callable[[str], str],
    ) -> None:
        self._connection = connection
        self._event = event
        self._now = now
        self._windows = windows
        self._prefix = prefix
        self._caller: CallerFacts | None = None
        self._number: NumberFacts | None = None
        self._failure: BaseException | None = None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if self._connection.is_fault(error):
                self._failure = error
            raise

    def insist(self) -> None:
        """Raise again a fault of the ledger that whoever decided may have taken for a fault of a rule."""
        if self._failure is not None:
            raise self._failure

    def caller(self) -> CallerFacts:
        """Facts about the event's caller."""
        if self._caller is None:
            with self._reading():
                self._caller = _caller(self._connection, self._event, self._now)
        return self._caller

    def number(self) -> NumberFacts:
        """Facts about the event's number."""
        if self._number is None:
            with self._reading():
                self._number = _number(self._connection, self._event.number, self._now)
        return self._number

    def text(self, recipient: str, *, run: str, rule: str, shadow: bool) -> TextFacts:
        """What stands in the way of a text to this person."""
        with self._reading():
            return text_facts(
                self._connection,
                recipient,
                self._prefix(recipient),
                run=run,
                rule=rule,
                shadow=shadow,
                now=self._now,
                windows=self._windows,
            )

    def ran(self, rule: str, value: str) -> bool:
        """Whether a rule that runs once per value has run for this one."""
        with self._reading():
            found = self._connection.execute(
                "select 1 from once where rule = ? and value = ?", (rule, keyed(self._connection, value))
            )
            return found.fetchone() is not None


def _caller(connection: Connection, event: Event, now: float) -> CallerFacts:
    if event.caller is None:
        return CallerFacts(is_new=False)
    counts = connection.execute(
        f"select {_sum('began_at > ?1')} as h1, {_sum('began_at > ?2')} as d1, {_sum('began_at > ?3')} as d7, "  # noqa: S608 - constants
        "count(*) as d30, "
        "count(distinct case when began_at > ?2 then number end) as numbers "
        "from calls where caller = ?4 and began_at > ?5 and direction = 'inbound'",
        (now - HOUR, now - DAY, now - 7 * DAY, event.caller, now - 30 * DAY),
    ).fetchone()
    long = connection.execute(
        "select 1 from calls where caller = ? and answered = 1 and seconds >= 120 limit 1", (event.caller,)
    ).fetchone()
    before = connection.execute(
        "select began_at from calls where caller = ? and not (source = ? and key = ?) order by began_at desc limit 1",
        (event.caller, event.source, event.key),
    ).fetchone()
    answered = connection.execute(
        "select 1 from calls where source = ? and key = ? and answered = 1 "
        "union all select 1 from calls where caller = ? and began_at > ? and answered = 1 limit 1",
        (event.source, event.key, event.caller, event.began_at),
    ).fetchone()
    texts = connection.execute(
        f"select max(at) as last, {_sum('at > ?')} as d1 from texts where recipient = ? and shadow = 0 and {COUNTED}",  # noqa: S608 - a constant
        (now - DAY, event.caller),
    ).fetchone()
    replied = connection.execute(
        "select 1 from events where caller = ? and type = 'text.received' and received_at > ? limit 1",
        (event.caller, event.received_at),
    ).fetchone()
    human = connection.execute(
        "select 1 from texts where recipient = ? and at > ? and run = '' and not shadow limit 1",
        (event.caller, event.began_at),
    ).fetchone()
    tags = connection.execute("select tag from tags where person = ? order by tag", (event.caller,)).fetchall()
    return CallerFacts(
        calls_1h=int(counts["h1"]),
        calls_24h=int(counts["d1"]),
        calls_7d=int(counts["d7"]),
        calls_30d=counts["d30"],
        distinct_numbers_24h=counts["numbers"],
        had_long_call=long is not None,
        is_new=before is None,
        answered_since=answered is not None,
        replied_since=replied is not None,
        texted_by_human_since=human is not None,
        last_call_at=None if before is None else before["began_at"],
        texts_24h=int(texts["d1"]),
        last_texted_at=texts["last"],
        opted_out=is_opted_out(connection, event.caller),
        tags=tuple(row["tag"] for row in tags),
    )


def _number(connection: Connection, number: str | None, now: float) -> NumberFacts:
    if number is None:
        return NumberFacts()
    owned = connection.execute("select * from numbers where number = ?", (number,)).fetchone()
    counts = connection.execute(
        f"select count(*) as d30, {_sum('answered = 1')} as a30, {_sum('began_at > ?1')} as d7, "  # noqa: S608 - constants
        f"{_sum('answered = 1 and began_at > ?1')} as a7, min(began_at) as first "
        "from calls where number = ?2 and began_at > ?3 and direction = 'inbound'",
        (now - 7 * DAY, number, now - 30 * DAY),
    ).fetchone()
    return NumberFacts(
        owned=None if owned is None else owned_of(owned),
        calls_7d=int(counts["d7"]),
        calls_30d=counts["d30"],
        answered_7d=int(counts["a7"]),
        answered_30d=int(counts["a30"]),
        first_call_at=counts["first"],
    )


def text_facts(
    connection: Connection,
    recipient: str,
    prefix: str,
    *,
    run: str,
    rule: str,
    shadow: bool,
    now: float,
    windows: Windows,
) -> TextFacts:
    """What stands in the way of a text to one person. A shadow text counts only where shadow texts are asked about."""
    which = "(" + COUNTED + " and shadow = 0" + (" or shadow = 1)" if shadow else ")")
    last = connection.execute(
        f"select at, rule from texts where recipient = ? and run <> ? and {which} order by at desc limit 1",  # noqa: S608 - constants
        (recipient, run),
    ).fetchone()
    by_rule = connection.execute(
        f"select max(at) as at from texts where recipient = ? and run <> ? and rule = ? and {which}",  # noqa: S608 - constants
        (recipient, run, rule),
    ).fetchone()
    to_person, to_prefix, total = (
        connection.execute(
            f"select count(*) as n from texts where {where} at > ? and {which}",  # noqa: S608 - constants
            values,
        ).fetchone()["n"]
        for where, values in (
            ("recipient = ? and", (recipient, now - windows.person)),
            ("prefix = ? and", (prefix, now - windows.prefix)),
            ("", (now - windows.total,)),
        )
    )
    switches = connection.execute("select name from meta where name in ('texts_off', 'restored')").fetchall()
    off = {row["name"] for row in switches}
    return TextFacts(
        opted_out=is_opted_out(connection, recipient),
        off="texts_off" in off,
        restored="restored" in off,
        last_at=None if last is None else last["at"],
        last_rule=None if last is None else last["rule"],
        last_by_rule_at=by_rule["at"],
        to_person=to_person,
        to_prefix=to_prefix,
        total=total,
    )


def person(connection: Connection, number: str) -> bytes:
    """A person under a key of the ledger's own, so that an opt-out outlives the number's erasure."""
    key = connection.execute("select value from meta where name = 'opt_out_key'").fetchone()["value"]
    return hmac.digest(key, number.encode(), hashlib.sha256)


def is_opted_out(connection: Connection, number: str) -> bool:
    """Whether this person asked not to be texted."""
    found = connection.execute("select 1 from opt_outs where person = ?", (person(connection, number),)).fetchone()
    return found is not None
