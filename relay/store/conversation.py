"""The part of the ledger that knows which texts that came in still wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.models import Event


class Conversation(Protocol):
    """Texts that came in, and what people did about them."""

    async def unanswered_texts(self, *, since: float, until: float) -> list[Event]:
        """Texts within (since, until], oldest first, whose senders nobody answered afterwards; 500 at most.

        A text that somebody on the account sent is an answer, and so is an answered call; a rule's text is none.
        """

    async def doubtful_texts(self, *, since: float) -> list[Event]:
        """Texts since then that may ask to stop, and that a person should read, newest first; 500 at most."""
