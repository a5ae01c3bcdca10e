"""Voicemails and their audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.sandbox import shapes
from relay.sandbox.audio import silence
from relay.sandbox.refused import absent
from relay.sandbox.route import Bytes, Many, One, Page, Paging, Raw, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask
    from relay.sandbox.state import Row

_SELECT = """
    SELECT voicemails.*, calls.caller_number, calls.caller_name, calls.tracking_number, calls.call_flow_name,
           calls.duration_seconds, calls.transcription
    FROM voicemails JOIN calls ON calls.id = voicemails.call_id
"""


def _shape(ask: Ask, row: Row) -> shapes.Voicemail:
    return shapes.Voicemail(
        id=row["id"],
        call_id=row["call_id"],
        caller_number=row["caller_number"],
        caller_name=row["caller_name"],
        tracking_number=row["tracking_number"],
        call_flow_name=row["call_flow_name"],
        duration_seconds=row["duration_seconds"],
        transcription=row["transcription"],
        recording_url=f"{ask.world.url}/api/v1/voicemails/{row['id']}/recording",
        is_read=bool(row["is_read"]),
        created_at=stamp(row["created_at"]) or "",
    )


def _found(ask: Ask, voicemail_id: str) -> Row:
    row = ask.state.row(f"{_SELECT} WHERE voicemails.id = ?", (voicemail_id,))
    if row is None:
        raise absent("voicemail")
    return row


def listing(ask: Ask, query: Paging) -> Page:
    """All voicemails, newest first."""
    rows = ask.state.rows(f"{_SELECT} ORDER BY voicemails.created_at DESC, voicemails.seq DESC")
    return Page([_shape(ask, row) for row in query.cut(rows)], len(rows))


def one(ask: Ask, voicemail_id: str) -> shapes.Voicemail:
    """One voicemail."""
    return _shape(ask, _found(ask, voicemail_id))


def recording(ask: Ask, voicemail_id: str) -> Bytes:
    """The audio itself, not JSON."""
    row = _found(ask, voicemail_id)
    return Bytes(silence(row["duration_seconds"]), "audio/mpeg", f"{voicemail_id}.mp3")


ROUTES = (
    Route(
        "GET",
        "/voicemails",
        Role.VIEWER,
        listing,
        Many("voicemails", shapes.Voicemail),
        "List voicemails",
        query=Paging,
    ),
    Route(
        "GET",
        "/voicemails/{voicemail_id}",
        Role.VIEWER,
        one,
        One("voicemail", shapes.Voicemail),
        "Get voicemail details",
    ),
    Route("GET", "/voicemails/{voicemail_id}/recording", Role.VIEWER, recording, Raw("audio/mpeg"), "Download audio"),
)
