"""Texts that people send us, with what they ask for, and texts that others on the account sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.sealing import words
from relay.store.sql import arrivals, upkeep
from relay.store.sql.facts import person
from relay.store.sql.rows import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Event
    from relay.store import Accepted, ForeignText, Wish
    from relay.store.sql.connection import Connection

FOREIGN = "somebody on the account"
"""Who sent it, where the name of a rule stands."""
EARLY, LATE = 60.0, 3600.0
"""Seconds before and after we began a text within which the list may say it was sent: clocks differ, lists lag."""


def accept_text(connection: Connection, event: Event, body: bytes, wish: Wish | None, now: float) -> Accepted:
    """Write down a text that came in and, the first time only, do what its sender asks for.

    The later word counts, whichever is read first: a START takes back no opt-out that is younger than itself.
    """
    accepted = arrivals.accept(connection, event, body, lambda known, again: None)  # noqa: ARG005 - a text is never enriched
    if accepted.duplicate or event.caller is None or wish is None:
        return accepted
    who, said_at = person(connection, event.caller), event.began_at
    if wish == "start":
        connection.execute("delete from opt_outs where person = ? and at <= ?", (who, said_at))
        return accepted
    before = connection.execute("select at from opt_outs where person = ?", (who,)).fetchone()
    leaving = connection.execute(
        "select count(*) as n from texts where recipient = ? and state in ('sending', 'unknown') and shadow = 0",
        (event.caller,),
    ).fetchone()["n"]
    how = "asked to stop by text" + (f"; {leaving} already leaving" if leaving else "")
    upkeep.opt_out(connection, event.caller, now, how)
    at = said_at if before is None else max(said_at, before["at"])
    connection.execute("update opt_outs set at = ? where person = ?", (at, who))
    return accepted


def save_foreign_texts(connection: Connection, texts: Sequence[ForeignText]) -> int:
    """Keep what others sent, once; answers how many were new. A text of ours is recognised and left as it is."""
    taken: set[str] = set()
    saved = 0
    for text in texts:
        if connection.execute("select 1 from texts where provider_id = ?", (plain(text.id),)).fetchone():
            continue
        ours = _ours(connection, text, taken)
        if ours is not None:
            taken.add(ours)
            continue
        connection.execute(
            "insert into texts (id, run, rule, recipient, prefix, sender, body, state, shadow, at, provider_id) "
            "values (?, '', ?, ?, ?, ?, ?, 'sent', 0, ?, ?)",
            (
                plain(f"listed:{text.id}"),
                FOREIGN,
                text.recipient,
                text.prefix,
                text.sender,
                words(connection, None if text.body is None else plain(text.body)),
                text.at,
                plain(text.id),
            ),
        )
        saved += 1
    return saved


def _ours(connection: Connection, text: ForeignText, taken: set[str]) -> str | None:
    """The text of ours that this is: one whose id there we never learned, to the same person, in the same words."""
    rows = connection.execute(
        "select id, sender, body from texts where recipient = ? and provider_id is null and shadow = 0 "
        "and at between ? and ? order by at",
        (text.recipient, text.at - LATE, text.at + EARLY),
    )
    return next(
        (
            row["id"]
            for row in rows
            if row["id"] not in taken
            and text.sender in (row["sender"], None)
            and (text.body is None or _words(text.body) == _words(row["body"]))
        ),
        None,
    )


def _words(body: str | None) -> list[str]:
    return plain(body or "").split()
