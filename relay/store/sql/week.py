"""The last seven days of all numbers together, from sums that are counted as calls happen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from relay.models import BusinessFacts
from relay.store.sql.rows import MAY_HAVE_ARRIVED, owned_of

if TYPE_CHECKING:
    from relay.store.sql.connection import Connection

_WEEK = 7 * 86400.0
_HOUR = 3600


def week_of(connection: Connection, now: float) -> BusinessFacts:
    """Facts about all numbers together in the week before `now`, Unix seconds."""
    connection.write_sums()
    since = now - _WEEK
    by_number: dict[str, Counter[str]] = {}
    for row in connection.execute(
        "select number, outcome, sum(calls) as n from traffic where hour > ? and calls > 0 group by number, outcome",
        (int(since // _HOUR),),
    ):
        by_number.setdefault(row["number"], Counter())[row["outcome"]] += int(row["n"])
    total: Counter[str] = sum(by_number.values(), Counter())
    names = {owned.number: owned.name for owned in map(owned_of, connection.execute("select * from numbers"))}
    busiest = sorted(by_number.items(), key=lambda item: (-item[1].total(), item[0]))
    texts = connection.execute(
        f"select count(*) as n from texts where at > ? and shadow = 0 and {MAY_HAVE_ARRIVED}",  # noqa: S608 - a constant
        (since,),
    )
    replies = connection.execute(
        "select count(*) as n from events where type = 'text.received' and received_at > ?", (since,)
    )
    return BusinessFacts(
        calls_7d=total.total(),
        answered_7d=total["answered"],
        missed_7d=total["missed"],
        voicemails_7d=total["voicemail"],
        texts_7d=int(texts.fetchone()["n"]),
        replies_7d=int(replies.fetchone()["n"]),
        numbers_7d=tuple(_line(names.get(number) or number or "no number", calls) for number, calls in busiest),
    )


def _line(name: str, calls: Counter[str]) -> str:
    count = calls.total()
    plural = "" if count == 1 else "s"
    return f"{name}: {count} call{plural}, {100 * calls['answered'] / count:.0f}% answered"
