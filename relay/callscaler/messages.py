"""Text messages: sending one, and reading what was sent and received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, Field

from relay import failpoints
from relay.callscaler.paging import MOST_PAGES, row_name
from relay.callscaler.resource import Resource
from relay.callscaler.scanner import rows
from relay.callscaler.table import OPERATIONS
from relay.callscaler.thing import Thing, read
from relay.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEXTS_CAP = 64 * 1024 * 1024
"""Bytes of one answer of a listing of texts, which may come in one piece; it is never held whole."""
_PAGE = 100


class Text(Thing):
    """A text message; the documents list no fields, these are the ones that a sent text needs."""

    id: str
    from_number_id: str | None = None
    from_number: str | None = Field(None, validation_alias=AliasChoices("from_number", "from"))
    """E.164."""
    to: str | None = Field(None, validation_alias=AliasChoices("to", "to_number"))
    """E.164."""
    body: str | None = None
    status: str | None = None
    direction: str | None = None
    """inbound, outbound."""
    created_at: str | None = None


class Conversation(Thing):
    """Everything said with one outside number; the documents list no fields."""

    id: str | None = None
    created_at: str | None = None


class Messages(Resource):
    """`client.messages`."""

    async def send(self, *, from_number_id: str, to: str, body: str, idempotency_key: str | None = None) -> Text:
        """Send a text, once: nothing here asks twice. The documents promise no idempotency for the key.

        Raises:
            Unclear: it may have been sent: the answer was lost, was a 5xx, or named no id.
            RateLimited: it was not sent; `retry_after` says when to try again.
            Unavailable: it was not sent; the service could not be reached.
            Rejected: it was not sent, and asking again cannot help.
        """
        failpoints.reach("text_leaving")
        sent = await self._created(
            "texts send",
            Text,
            ("text", "message", "sms"),
            from_number_id=from_number_id,
            to=to,
            body=body,
            idempotency_key=idempotency_key,
        )
        failpoints.reach("text_answered")
        return sent

    def texts(self, *, limit: int = _PAGE, offset: int = 0) -> AsyncIterator[Text]:
        """Every text once, in the service's order; `limit` is rows a page. Paging is tried, not documented.

        Raises:
            Unavailable: an answer is no listing, is larger than 64 MiB or breaks off; what was read so far is no
                proof that a text was not sent.
        """
        return self._streamed("texts list", ("texts", "messages", "sms"), limit, offset)

    def sms(self, *, limit: int = _PAGE, offset: int = 0) -> AsyncIterator[Text]:
        """The same for `GET /sms`; how the two differ is not documented."""
        return self._streamed("sms list", ("sms", "messages", "texts"), limit, offset)

    def conversations(self, *, limit: int | None = None, offset: int | None = None) -> AsyncIterator[Conversation]:
        """All conversations; `limit` is rows a page, and only sent when given."""
        return self._rows("conversations list", Conversation, ("conversations",), limit=limit, offset=offset)

    async def _streamed(self, name: str, keys: tuple[str, ...], limit: int, offset: int) -> AsyncIterator[Text]:
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            values: dict[str, Any] = {"limit": limit, "offset": offset or None}
            received, known = 0, len(seen)
            async with self._transport.opened(name, values, cap=TEXTS_CAP) as incoming:
                async for row in rows(incoming, keys):
                    received += 1
                    if (row_id := row_name(row)) not in seen:
                        seen.add(row_id)
                        yield read(OPERATIONS[name], Text, row)
            if len(seen) == known:
                return
            offset += received
        raise Unavailable(f"the listing did not end within {MOST_PAGES} pages")
