"""Calls: the list with its cursor, one call, many by id, what was said, CSV. None of it is in resources-api.txt."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from relay.models import Form
from relay.sandbox import shapes
from relay.sandbox.audio import silence
from relay.sandbox.call_filter import CallFilter
from relay.sandbox.export import as_csv
from relay.sandbox.refused import absent, wrong
from relay.sandbox.route import Bare, Bytes, Limit, Many, Offset, One, Page, Raw, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask, World
    from relay.sandbox.state import Row

_SPOKEN = ("transcription", "summary")
_COPIED = (
    *("id", "direction", "status", "caller_number", "caller_name", "tracking_number", "destination_number"),
    *("call_flow_name", "source", "utm_source", "utm_medium", "utm_campaign", "utm_term", "gclid", "landing_page_url"),
    *("duration_seconds", "recording_duration", "ai_score", "ai_category", "qualification_reason", "robo_score"),
    *("cost_cents", "value_cents"),
)
# Nothing sorts below an empty cell, so that a cursor can compare.
_SORTS = {
    "created_at": "created_at",
    "duration_seconds": "duration_seconds",
    "ai_score": "coalesce(ai_score, -1)",
    "caller_number": "coalesce(caller_number, '')",
    "caller_name": "coalesce(caller_name, '')",
    "status": "status",
    "source": "coalesce(source, '')",
    "value_cents": "coalesce(value_cents, 0)",
}
Sort = Literal[
    "created_at", "duration_seconds", "ai_score", "caller_number", "caller_name", "status", "source", "value_cents"
]


class Listing(CallFilter):
    """GET /calls; a cursor beats an offset, an offset beats a page number."""

    limit: Limit = 50
    offset: Offset = 0
    cursor: Annotated[str, Field(max_length=1_000)] | None = None
    page: Annotated[int, Field(ge=1, le=2**31)] | None = None
    per_page: Limit | None = None
    include: str = ""
    sort_by: Sort = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"


class Export(CallFilter):
    """GET /calls/export."""

    sort_by: Sort = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"


class Batch(Form):
    """POST /calls/batch."""

    ids: Annotated[list[str], Field(min_length=1, max_length=100)]


def recording_url(world: World, row: Row) -> str | None:
    """Where a call can be heard; the address needs the key, as every one below /api/v1."""
    return f"{world.url}/api/v1/calls/{row['id']}/recording" if row["recording_duration"] else None


def shape(world: World, row: Row, include: tuple[str, ...] = _SPOKEN) -> shapes.Call:
    """A row as the API writes it; what was said only where it is included."""
    fields: dict[str, Any] = {name: row[name] for name in (*_COPIED, *include)}
    return shapes.Call(
        **fields,
        recording_url=recording_url(world, row),
        has_transcription=row["transcription"] is not None,
        qualified_ai=None if row["qualified_ai"] is None else bool(row["qualified_ai"]),
        keywords_spotted=json.loads(row["keywords_json"] or "[]"),
        created_at=stamp(row["created_at"]) or "",
    )


def _found(ask: Ask, call_id: str) -> Row:
    row = ask.state.get("calls", call_id)
    if row is None:
        raise absent("call")
    return row


def _write_cursor(query: Listing, last: Row) -> str:
    place = json.dumps([query.sort_by, query.sort_order, last["sorted_by"], last["seq"]])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read_cursor(query: Listing) -> tuple[Any, int]:
    try:
        padded = (query.cursor or "") + "=" * (-len(query.cursor or "") % 4)
        sort_by, order, value, seq = json.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError, TypeError):
        raise wrong("cursor is not one that this list gave") from None
    if (sort_by, order) != (query.sort_by, query.sort_order) or type(seq) is not int or isinstance(value, (list, dict)):
        raise wrong("cursor belongs to another sort order")
    return value, seq


def _offset(query: Listing) -> tuple[int, int]:
    limit = query.per_page or query.limit
    if query.page is not None and "offset" not in query.model_fields_set:
        return limit, (query.page - 1) * limit
    return limit, query.offset


def listing(ask: Ask, query: Listing) -> shapes.CallPage:
    """A part of the calls, newest first unless sorted otherwise; a cursor keeps its place by value, not by count."""
    where, values = query.where()
    limit, offset = _offset(query)
    key, order = _SORTS[query.sort_by], query.sort_order.upper()
    if query.cursor:
        where += f" AND ({key}, seq) {'<' if order == 'DESC' else '>'} (?, ?)"
        values += [*_read_cursor(query)]
        offset = 0
    rows = ask.state.rows(
        f"SELECT *, {key} AS sorted_by FROM calls WHERE {where} "  # noqa: S608 - names from our own tables
        f"ORDER BY sorted_by {order}, seq {order} LIMIT ? OFFSET ?",
        [*values, limit + 1, offset],
    )
    part, more = rows[:limit], len(rows) > limit
    include = tuple(name for name in _SPOKEN if name in {word.strip() for word in query.include.split(",")})
    page = [shape(ask.world, row, include) for row in part]
    cursor = _write_cursor(query, part[-1]) if more else None
    if ask.world.settings.nested_pagination:
        return shapes.CallPage(calls=page, pagination=shapes.Pagination(has_more=more, next_cursor=cursor))
    return shapes.CallPage(calls=page, has_more=more, next_cursor=cursor)


def one(ask: Ask, call_id: str) -> shapes.Call:
    """One call, with what was said."""
    return shape(ask.world, _found(ask, call_id))


def batch(ask: Ask, body: Batch) -> Page:
    """Those of the ids that exist, in the order asked for."""
    rows = [row for call_id in dict.fromkeys(body.ids) if (row := ask.state.get("calls", call_id))]
    return Page([shape(ask.world, row, ()) for row in rows], len(rows))


def transcription(ask: Ask, call_id: str) -> shapes.Transcription:
    """What was said; null until it is known."""
    return shapes.Transcription(transcription=_found(ask, call_id)["transcription"])


def recording(ask: Ask, call_id: str) -> Bytes:
    """The audio itself."""
    row = _found(ask, call_id)
    if not row["recording_duration"]:
        raise absent("recording")
    return Bytes(silence(row["recording_duration"]), "audio/mpeg", f"{call_id}.mp3")


def export(ask: Ask, query: Export) -> Bytes:
    """All calls that meet the filters, as CSV."""
    where, values = query.where()
    rows = ask.state.rows(
        f"SELECT * FROM calls WHERE {where} "  # noqa: S608 - names from our own tables
        f"ORDER BY {_SORTS[query.sort_by]} {query.sort_order}, seq {query.sort_order}",
        values,
    )
    columns = [name for name in shapes.Call.model_fields if name not in _SPOKEN]
    return as_csv([shape(ask.world, row, ()).model_dump() for row in rows], columns, "calls.csv")


ROUTES = (
    Route("GET", "/calls", Role.VIEWER, listing, Bare(shapes.CallPage), "List calls", query=Listing, listed=False),
    Route("GET", "/calls/export", Role.VIEWER, export, Raw("text/csv"), "Calls as CSV", query=Export, listed=False),
    Route(
        "POST",
        "/calls/batch",
        Role.VIEWER,
        batch,
        Many("calls", shapes.Call),
        "Many calls by id",
        body=Batch,
        listed=False,
    ),
    Route("GET", "/calls/{call_id}", Role.VIEWER, one, One("call", shapes.Call), "One call", listed=False),
    Route(
        "GET",
        "/calls/{call_id}/transcription",
        Role.VIEWER,
        transcription,
        Bare(shapes.Transcription),
        "What was said",
        listed=False,
    ),
    Route(
        "GET",
        "/calls/{call_id}/recording",
        Role.VIEWER,
        recording,
        Raw("audio/mpeg"),
        "The audio of a call",
        listed=False,
    ),
)
