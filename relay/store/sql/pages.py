"""Looking at the ledger: pages by key, and what was done about each event of a page."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from relay.store.pages import Glance, Standing
from relay.store.sql.facts import person
from relay.store.sql.rows import EVENT, TEXT, delivery_of, event_of, verdicts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.models import Delivery, Event
    from relay.store.sql.connection import Connection

_NEWEST = 2.0**62


def glances(connection: Connection, events: Sequence[str]) -> Mapping[str, Glance]:
    """What was done about each of these events."""
    if not events:
        return {}
    marks = _marks(events)
    verdicts = {
        row["event"]: verdicts_of(row["verdicts"])
        for row in connection.execute(f"select event, verdicts from verdicts where event in ({marks})", events)  # noqa: S608 - marks only
    }
    deliveries: dict[str, list[Delivery]] = defaultdict(list)
    rows = connection.execute(f"select * from deliveries where event in ({marks})", events)  # noqa: S608 - marks only
    for row in rows:
        deliveries[row["event"]].append(delivery_of(row))
    return {
        name: Glance(verdicts.get(name), tuple(sorted(deliveries[name], key=lambda one: one.seq))) for name in events
    }


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)


def of_call(connection: Connection, source: str, key: str) -> list[Event]:
    """The events of one call."""
    rows = connection.execute(
        f"select {EVENT} from events where key = ? and source = ? order by seq limit 100",  # noqa: S608 - columns only
        (key, source),
    )
    return [event_of(row) for row in rows]


def delivery(connection: Connection, name: str) -> Delivery | None:
    """One delivery by its id."""
    row = connection.execute("select * from deliveries where id = ?", (name,)).fetchone()
    return None if row is None else delivery_of(row)


def texts_page(
    connection: Connection, limit: int, before: tuple[float, str] | None, whom: str | None
) -> list[dict[str, Any]]:
    """Texts, newest first."""
    which, values = ("", ()) if whom is None else ("recipient = ? and ", (whom,))
    at, name = before or (_NEWEST, "")
    rows = connection.execute(
        f"select {TEXT} from texts where {which}at <= ? and (at < ? or id < ?) order by at desc, id desc limit ?",  # noqa: S608 - constants
        (*values, at, at, name, limit),
    )
    return [{**dict(row), "shadow": bool(row["shadow"])} for row in rows]


def standing(connection: Connection, number: str) -> Standing:
    """What is known of a person."""
    out = connection.execute("select at, how from opt_outs where person = ?", (person(connection, number),)).fetchone()
    tags = connection.execute("select tag from tags where person = ? order by tag", (number,))
    return Standing(
        None if out is None else out["at"], None if out is None else out["how"], tuple(row["tag"] for row in tags)
    )
