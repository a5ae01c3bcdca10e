"""Texts and conversations. /texts and /sms list the same messages; nothing public says how they differ."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints

from relay.models import Form
from relay.sandbox import billing, shapes
from relay.sandbox.refused import wrong
from relay.sandbox.route import Many, One, Page, Paging, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask, World
    from relay.sandbox.state import Row

_ONE_SEGMENT, _PART = 160, 153
_ONE_SEGMENT_WIDE, _PART_WIDE = 70, 67
_ASCII = 128
_CONTACTS = uuid.UUID("5f0e6f1c-7c53-4b39-9d0c-0d5b7f3c1e11")
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
Body = Annotated[str, StringConstraints(min_length=1, max_length=1_600)]
_GUIDANCE = (
    "this number is not SMS-enabled: register your brand and campaign (10DLC) under Text Registration, "
    "then assign the number to the approved campaign"
)


class Outgoing(Form):
    """POST /texts; from_number_id is the id of one of the business's numbers, `to` is E.164."""

    from_number_id: Annotated[str, Field(min_length=1)]
    to: Phone
    body: Body


def segments(body: str) -> int:
    """Parts a text is sent in; anything beyond ASCII is counted wide, which is close enough for a price."""
    wide = any(ord(letter) >= _ASCII for letter in body)
    one, part = (_ONE_SEGMENT_WIDE, _PART_WIDE) if wide else (_ONE_SEGMENT, _PART)
    length = len(body.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if length <= one else -(-length // part)


def shape(row: Row) -> shapes.Text:
    """A row as the API writes it."""
    outbound = row["direction"] == "outbound"
    fields: dict[str, Any] = {
        "id": row["id"],
        "direction": row["direction"],
        "from_number_id": row["number_id"] if outbound else None,
        "number_id": row["number_id"],
        "from": row["sender"],
        "to": row["recipient"],
        "body": row["body"],
        "status": row["status"],
        "segments": row["segments"],
        "cost_cents": row["cost_cents"],
        "created_at": stamp(row["created_at"]),
    }
    return shapes.Text(**fields)


def _recorded_before(world: World) -> float:
    """Lists show what was recorded before this moment (Unix seconds of the real clock)."""
    return time.time() - world.faults.lag()


def listing(ask: Ask, query: Paging) -> Page:
    """All messages, newest first."""
    paging = query if ask.world.settings.texts_paging else Paging()
    visible = (_recorded_before(ask.world),)
    total = ask.state.value("SELECT count(*) FROM texts WHERE recorded_at <= ?", visible)
    rows = ask.state.rows(
        "SELECT * FROM texts WHERE recorded_at <= ? ORDER BY created_at DESC, seq DESC LIMIT ? OFFSET ?",
        (*visible, -1 if paging.limit is None else paging.limit, paging.offset),
    )
    return Page([shape(row) for row in rows], total)


def keep(world: World, *, direction: str, number_id: str | None, sender: str, recipient: str, body: str) -> Row:
    """Write a message down."""
    outbound = direction == "outbound"
    parts = segments(body)
    return world.state.add(
        "texts",
        direction=direction,
        number_id=number_id,
        sender=sender,
        recipient=recipient,
        body=body,
        status="sent" if outbound else "received",
        segments=parts,
        cost_cents=parts * world.settings.text_cents if outbound else 0,
        created_at=world.clock(),
        recorded_at=time.time(),
    )


def send(ask: Ask, body: Outgoing) -> shapes.Text:
    """Send a text: the sender must be one of the business's numbers, active and registered, and the balance must do."""
    number = ask.state.get("numbers", body.from_number_id)
    if number is None:
        raise wrong("from_number_id names no number of this business")
    if number["status"] != "active":
        raise wrong("this number is not active")
    if not number["sms_enabled"]:
        raise wrong(_GUIDANCE)
    if body.to == number["phone_number"]:
        raise wrong("to: a number cannot text itself")
    cost = segments(body.body) * ask.world.settings.text_cents
    billing.charge(ask.world, cost, "text", f"Text to {body.to}")
    row = keep(
        ask.world,
        direction="outbound",
        number_id=number["id"],
        sender=number["phone_number"],
        recipient=body.to,
        body=body.body,
    )
    return shape(row)


_THREADS = """
    WITH activity AS (
        SELECT CASE direction WHEN 'outbound' THEN recipient ELSE sender END AS contact,
               CASE direction WHEN 'outbound' THEN sender ELSE recipient END AS tracking,
               direction, body, NULL AS name, created_at, seq, 1 AS is_text
        FROM texts WHERE recorded_at <= ?
        UNION ALL
        SELECT CASE direction WHEN 'outbound' THEN destination_number ELSE caller_number END, tracking_number,
               direction, NULL, caller_name, created_at, seq, 0
        FROM calls
    )
    SELECT contact, sum(is_text) AS texts, sum(1 - is_text) AS calls, max(name) AS name, max(created_at) AS last_at
    FROM activity WHERE contact IS NOT NULL GROUP BY contact ORDER BY last_at DESC, contact
"""


def conversations(ask: Ask, query: Paging) -> Page:
    """One a contact number, newest activity first; calls and texts together."""
    rows = ask.state.rows(_THREADS, (_recorded_before(ask.world),))
    return Page([_thread(ask, row) for row in query.cut(rows)], len(rows))


def _thread(ask: Ask, row: Row) -> shapes.Conversation:
    last = ask.state.row(
        """SELECT direction, body, CASE direction WHEN 'outbound' THEN sender ELSE recipient END AS tracking FROM texts
           WHERE sender = :contact OR recipient = :contact ORDER BY created_at DESC, seq DESC LIMIT 1""",
        {"contact": row["contact"]},
    )
    tracking = ask.state.value(
        """SELECT tracking_number FROM calls WHERE caller_number = :contact OR destination_number = :contact
           ORDER BY created_at DESC, seq DESC LIMIT 1""",
        {"contact": row["contact"]},
    )
    return shapes.Conversation(
        id=str(uuid.uuid5(_CONTACTS, row["contact"])),
        contact_number=row["contact"],
        contact_name=row["name"],
        tracking_number=last["tracking"] if last else tracking,
        last_message=last["body"] if last else None,
        last_direction=last["direction"] if last else None,
        text_count=row["texts"],
        call_count=row["calls"],
        last_activity_at=stamp(row["last_at"]) or "",
    )


ROUTES = (
    Route(
        "GET",
        "/conversations",
        Role.VIEWER,
        conversations,
        Many("conversations", shapes.Conversation),
        "List conversations",
        query=Paging,
    ),
    Route("GET", "/texts", Role.VIEWER, listing, Many("texts", shapes.Text), "List text messages", query=Paging),
    Route("GET", "/sms", Role.VIEWER, listing, Many("sms", shapes.Text), "List SMS messages", query=Paging),
    Route("POST", "/texts", Role.MANAGER, send, One("text", shapes.Text), "Send a text message", body=Outgoing),
)
