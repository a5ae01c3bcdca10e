"""What the ledger knows of people and numbers, by index, never by scanning."""

from __future__ import annotations

import contextlib
import hmac
from typing import TYPE_CHECKING

from relay.models import BusinessFacts, CallerFacts, NumberFacts, TextFacts
from relay.store.sealing import keyed
from relay.store.sql.calls import ANSWERED
from relay.store.sql.rows import MAY_HAVE_ARRIVED, owned_of
from relay.store.sql.week import week_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.models import Event
    from relay.store import Windows
    from relay.store.sql.connection import Connection

HOUR, DAY = 3600.0, 86400.0


def _sum(condition: str) -> str:
    """SQL: for how many rows it holds."""
    return f"coalesce(sum(case when {condition} then 1 else 0 end), 0)"


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
        key: bytes | None = None,
    ) -> None:
        """`key` is that of `opt_out_key`, where somebody has read it already."""
        self._connection = connection
        self._event = event
        self._now = now
        self._windows = windows
        self._prefix = prefix
        self._key = key
        self._caller: CallerFacts | None = None
        self._number: NumberFacts | None = None
        self._business: BusinessFacts | None = None
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
                key = self._key or opt_out_key(self._connection)
                self._caller = _caller(self._connection, self._event, self._now, key)
        return self._caller

    def number(self) -> NumberFacts:
        """Facts about the event's number."""
        if self._number is None:
            with self._reading():
                self._number = _number(self._connection, self._event.number, self._now)
        return self._number

    def business(self) -> BusinessFacts:
        """Facts about all numbers together."""
        if self._business is None:
            with self._reading():
                self._business = week_of(self._connection, self._now)
        return self._business

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


_CALLER = (
    f"select {_sum('began_at > ?1')} as h1, {_sum('began_at > ?2')} as d1, {_sum('began_at > ?3')} as d7, "  # noqa: S608 - constants
    "count(*) as d30, count(distinct case when began_at > ?2 then number end) as numbers, "
    "(select 1 from calls where caller = ?4 and answered = 1 and seconds >= 120 limit 1) as long, "
    "(select began_at from calls where caller = ?4 and not (source = ?6 and key = ?7) "
    "order by began_at desc limit 1) as before, "
    "(select answered from calls where source = ?6 and key = ?7) as answered, "
    "(select max(1) from calls where caller = ?4 and began_at > ?8 and answered = 1) as answered_later, "
    f"(select max(at) from texts where recipient = ?4 and shadow = 0 and {MAY_HAVE_ARRIVED}) as texted, "
    f"(select count(*) from texts where recipient = ?4 and at > ?2 and shadow = 0 and {MAY_HAVE_ARRIVED}) as texts, "
    "(select max(1) from texts where recipient = ?4 and at > ?8 and run = '' and shadow = 0) as human, "
    "(select max(1) from events where caller = ?4 and type = 'text.received' and received_at > ?9) as replied, "
    "(select max(1) from tags where person = ?4) as tagged, "
    "(select max(1) from opt_outs where person = ?10) as out "
    "from calls where caller = ?4 and began_at > ?5 and direction = 'inbound'"
)
"""All in one: a statement's own cost is more than what it finds."""


def _caller(connection: Connection, event: Event, now: float, key: bytes) -> CallerFacts:
    if event.caller is None:
        return CallerFacts(is_new=False)
    found = connection.execute(
        _CALLER,
        (
            now - HOUR,
            now - DAY,
            now - 7 * DAY,
            event.caller,
            now - 30 * DAY,
            event.source,
            event.key,
            event.began_at,
            event.received_at,
            _hidden(key, event.caller),
        ),
    ).fetchone()
    tags: tuple[str, ...] = ()
    if found["tagged"]:
        rows = connection.execute("select tag from tags where person = ? order by tag", (event.caller,)).fetchall()
        tags = tuple(row["tag"] for row in rows)
    return CallerFacts(
        calls_1h=found["h1"],
        calls_24h=found["d1"],
        calls_7d=found["d7"],
        calls_30d=found["d30"],
        distinct_numbers_24h=found["numbers"],
        had_long_call=found["long"] is not None,
        is_new=found["before"] is None,
        answered_since=bool(found["answered"] or found["answered_later"]),
        replied_since=found["replied"] is not None,
        texted_by_human_since=found["human"] is not None,
        last_call_at=found["before"],
        texts_24h=found["texts"],
        last_texted_at=found["texted"],
        opted_out=found["out"] is not None,
        tags=tags,
    )


_OF_ANSWERED = f"case when outcome = '{ANSWERED}' then calls else 0 end"
_BY_HOUR = (
    f"select coalesce(sum(calls), 0) as d30, coalesce(sum({_OF_ANSWERED}), 0) as a30, "  # noqa: S608 - constants
    "coalesce(sum(case when hour >= ?3 then calls else 0 end), 0) as d7, "
    f"coalesce(sum(case when hour >= ?3 then {_OF_ANSWERED} else 0 end), 0) as a7, "
    "(select began_at from calls where number = ?1 and began_at > ?4 and direction = 'inbound' "
    "order by began_at limit 1) as first "
    "from traffic where number = ?1 and hour >= ?2"
)
_AT_THE_EDGE = (
    f"select count(*) as calls, {_sum('answered = 1')} as answered "  # noqa: S608 - constants
    "from calls where number = ? and began_at > ? and began_at < ? and direction = 'inbound'"
)


def _number(connection: Connection, number: str | None, now: float) -> NumberFacts:
    """Counted in whole hours, and call by call only where a window begins: so a busy number costs no more."""
    if number is None:
        return NumberFacts()
    connection.write_sums()
    owned = connection.execute("select * from numbers where number = ?", (number,)).fetchone()
    month, week = now - 30 * DAY, now - 7 * DAY
    first = {since: int(since // HOUR) + 1 for since in (month, week)}
    counts = connection.execute(_BY_HOUR, (number, first[month], first[week], month)).fetchone()
    month_edge, week_edge = (
        connection.execute(_AT_THE_EDGE, (number, since, hour * HOUR)).fetchone() for since, hour in first.items()
    )
    return NumberFacts(
        owned=None if owned is None else owned_of(owned),
        calls_7d=counts["d7"] + week_edge["calls"],
        calls_30d=counts["d30"] + month_edge["calls"],
        answered_7d=counts["a7"] + week_edge["answered"],
        answered_30d=counts["a30"] + month_edge["answered"],
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
    which = "(" + MAY_HAVE_ARRIVED + " and shadow = 0" + (" or shadow = 1)" if shadow else ")")
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


def opt_out_key(connection: Connection) -> bytes:
    """The ledger's own key, under which it knows who asked not to be texted."""
    key: bytes = connection.execute("select value from meta where name = 'opt_out_key'").fetchone()["value"]
    return key


def person(connection: Connection, number: str) -> bytes:
    """A person under a key of the ledger's own, so that an opt-out outlives the number's erasure."""
    return _hidden(opt_out_key(connection), number)


def _hidden(secret: bytes, number: str) -> bytes:
    return hmac.digest(secret, number.encode(), "sha256")


def is_opted_out(connection: Connection, number: str) -> bool:
    """Whether this person asked not to be texted."""
    found = connection.execute("select 1 from opt_outs where person = ?", (person(connection, number),)).fetchone()
    return found is not None
