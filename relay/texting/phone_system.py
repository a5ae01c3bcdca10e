"""The phone system as the relay asks it: what it sent, what came in, who was answered."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from relay.connector import Connector
from relay.errors import NotFound, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.models import Counted, GroupOfNumbers, Owned, SendText

EARLIER = 60.0
"""Seconds before a text was begun at which the list may already say it was sent: clocks differ."""


class PhoneConnector(Connector[Any, Any]):
    """What the worker asks of the phone system beyond `send`."""

    @abstractmethod
    async def owned(self, now: float) -> list[Owned]:
        """The business's numbers, with their groups, as the phone system lists them at `now`.

        Raises:
            DeliveryFailed: they could not be read.
        """

    async def groups(self) -> list[GroupOfNumbers]:
        """Every group of numbers, with its members, as the phone system has them now.

        Raises:
            DeliveryFailed: they could not be read.
        """
        raise Rejected("this phone system knows no groups of numbers")

    async def counted(self, now: float) -> Mapping[str, Counted]:  # noqa: ARG002 - part of the seam
        """Calls by number (E.164) as the phone system counts them; a number that is missing had none.

        Raises:
            DeliveryFailed: they could not be had.
        """
        raise Rejected("this phone system counts no calls")

    @abstractmethod
    async def sent_texts(self, since: float) -> list[SentText]:
        """Every text that the phone system lists as sent since then, Unix seconds; complete or an error.

        Raises:
            Unavailable: the list could not be read whole.
        """

    async def texts(self, since: float) -> list[ListedText]:
        """Every text that the phone system lists since then, Unix seconds, in either direction; whole or an error.

        One that knows only what it sent says that.

        Raises:
            DeliveryFailed: the list could not be read whole.
        """
        return [
            ListedText(text.id, "outbound", text.sender, text.to, text.body, text.at)
            for text in await self.sent_texts(since)
        ]

    async def recording(self, call: str) -> bytes:  # noqa: ARG002 - one that keeps none
        """A call's recording as MP3, by the call's id.

        Raises:
            NotFound: there is none, or none yet.
            DeliveryFailed: it could not be fetched.
        """
        raise NotFound("this phone system keeps no recordings")

    @abstractmethod
    async def answered(self, person: str, since: float) -> bool:
        """Whether a call with this person that began at or after `since` was answered, by the phone system's word.

        Raises:
            DeliveryFailed: it could not be asked within three seconds.
        """


class PretendedPhone(PhoneConnector):
    """A phone system of which nothing is known but what is sent through it: where things are only tried."""

    async def owned(self, now: float) -> list[Owned]:  # noqa: ARG002 - part of the seam
        """None."""
        return []

    async def sent_texts(self, since: float) -> list[SentText]:  # noqa: ARG002 - part of the seam
        """None."""
        return []

    async def answered(self, person: str, since: float) -> bool:  # noqa: ARG002 - part of the seam
        """Nobody was."""
        return False


@dataclass(frozen=True, slots=True)
class ListedText:
    """A text in the phone system's list, in or out; `at` in Unix seconds, None where the list does not say."""

    id: str
    direction: Literal["inbound", "outbound"] | None
    """None where it cannot be told."""
    sender: str | None
    to: str | None
    body: str | None
    at: float | None


@dataclass(frozen=True, slots=True)
class SentText:
    """A text in the phone system's list; `at` in Unix seconds, None where the list does not say."""

    id: str
    to: str | None
    sender: str | None
    body: str | None
    at: float | None


def find_sent(
    text: SendText, began_at: float, listed: Sequence[SentText], taken: frozenset[str] = frozenset()
) -> SentText | None:
    """The listed text that is this one: same people, same words, not before it was begun, not another intent's."""
    for sent in listed:
        same = sent.to == text.to and sent.body == text.body and sent.sender in (text.sender, None)
        if same and sent.id not in taken and (sent.at is None or sent.at >= began_at - EARLIER):
            return sent
    return None
