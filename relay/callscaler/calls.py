"""Calls: the list that everything is caught up from, single ones, and their recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, Field

from relay.callscaler.answers import one, page, unwrap
from relay.callscaler.incoming import AUDIO_CAP, CSV_CAP, download
from relay.callscaler.paging import by_cursor, by_number
from relay.callscaler.resource import Resource
from relay.callscaler.table import OPERATIONS
from relay.callscaler.thing import Rows, Thing, read
from relay.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from relay.callscaler.answers import Page
    from relay.callscaler.incoming import Sink

MOST_A_PAGE = 500
MOST_A_BATCH = 100
_PAGE = 100
_PAGE_WITH_WORDS = 25
"""Rows a page when transcripts come along, so that a page stays under the cap of 2 MiB."""
_KEYS = ("calls",)


class Call(Thing):
    """A call. The id is `id` here and `call_id` in webhooks; which fields are told depends on the operation."""

    id: str = Field(validation_alias=AliasChoices("id", "call_id"))
    direction: str | None = None
    """inbound, outbound."""
    status: str | None = None
    """completed, no-answer, voicemail, busy, failed."""
    caller_number: str | None = None
    caller_name: str | None = None
    tracking_number: str | None = None
    destination_number: str | None = None
    call_flow_name: str | None = None
    source: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    gclid: str | None = None
    landing_page_url: str | None = None
    duration_seconds: float | None = None
    recording_url: str | None = None
    """Text to show; never fetched by the relay itself."""
    recording_duration: float | None = None
    """Seconds."""
    has_transcription: bool | None = None
    transcription: str | None = None
    summary: str | None = None
    ai_score: float | None = None
    """0 to 100."""
    ai_category: str | None = None
    """lead, existing_customer, spam, wrong_number, voicemail …"""
    qualified_ai: bool | None = None
    qualification_reason: str | None = None
    keywords_spotted: tuple[str, ...] | None = None
    robo_score: float | None = Field(None, validation_alias=AliasChoices("robo_score", "robo_risk_score"))
    cost_cents: float | None = None
    value_cents: float | None = None
    created_at: str | None = None


class Calls(Resource):
    """`client.calls`."""

    async def list(self, **filters: Any) -> AsyncIterator[Call]:
        """All calls that match, holding one page at a time; filters are those of `GET /calls`, `limit` is rows a page.

        Raises:
            Unavailable: also when the paging itself goes wrong; a high-water mark must then stay where it is.
            TypeError: for a filter that does not exist.
        """
        async for found in self.pages(**filters):
            for row in found.rows:
                yield read(OPERATIONS["calls list"], Call, row)

    async def pages(self, **filters: Any) -> AsyncIterator[Page]:
        """The same, page by page and unread: `rows` as the service wrote them, `next_cursor` to go on from.

        With `page` or `per_page` among the filters it goes by page number, as older servers do.
        """

        async def ask(values: Mapping[str, Any]) -> Page:
            return await self._page("calls list", _KEYS, values)

        if filters.get("page") is not None or filters.get("per_page") is not None:
            walk = by_number(ask, filters)
        else:
            usual = _PAGE_WITH_WORDS if filters.get("include") else _PAGE
            walk = by_cursor(ask, {**filters, "limit": min(int(filters.get("limit") or usual), MOST_A_PAGE)})
        async for found in walk:
            yield found

    async def search(self, number: str, limit: int = 20, timeout: float = 3.0) -> Rows[Call]:  # noqa: ASYNC109 - bounds one request
        """The first calls that name `number` anywhere, asked once and within `timeout` seconds."""
        operation = OPERATIONS["calls list"]
        body = await self._transport.ask(operation.name, {"search": number, "limit": limit}, timeout=timeout, tries=1)
        return [read(operation, Call, row) for row in page(operation, body, _KEYS).rows]

    async def get(self, id: str) -> Call:  # noqa: A002 - the API's own name
        """One call, with transcription and summary where there are any."""
        return await self._one("calls get", Call, ("call",), id=id)

    async def batch(self, ids: Sequence[str]) -> Rows[Call]:
        """Up to 100 calls at once, with fewer fields.

        Raises:
            Invalid: for more.
        """
        if len(ids) > MOST_A_BATCH:
            raise Invalid(f"a batch holds at most {MOST_A_BATCH} calls; ask for the rest in another")
        return await self._found("calls batch", Call, _KEYS, ids=[*ids])

    async def transcription(self, id: str) -> str | None:  # noqa: A002 - the API's own name
        """What was said, None when nothing was written down."""
        body = await self._transport.ask("calls transcription", {"id": id})
        inner = unwrap(body)
        words = inner if isinstance(inner, str) else one(body, ("call",)).get("transcription")
        return words if isinstance(words, str) else None

    async def recording(
        self,
        id: str,  # noqa: A002 - the API's own name
        to: Path | Sink,
        *,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> int:
        """The audio (25 MiB at most) into a file or anything that is written to; returns its bytes.

        Raises:
            Rejected: also when the audio lies at another address: the key is shown to nobody else.
        """
        return await download(self._transport, "calls recording", {"id": id}, to, cap=AUDIO_CAP, progress=progress)

    async def export(
        self, to: Path | Sink, *, progress: Callable[[int, int | None], None] | None = None, **filters: Any
    ) -> int:
        """Calls as CSV into a file; returns its bytes."""
        return await download(self._transport, "calls export", filters, to, cap=CSV_CAP, progress=progress)
