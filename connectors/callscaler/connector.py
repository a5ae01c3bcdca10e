"""The account: texts as they are sent and listed, numbers as they are owned and changed."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import io
import math
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from connectors.callscaler.moves import Mover, change_back, update
from relay.callscaler import CallScaler
from relay.connector import Form, Job, Receipt, Secret
from relay.errors import Blocked, DeliveryFailed, Invalid, NotFound, Unavailable, Unclear, Unfunded
from relay.models import Owned, Regroup, Restore, SendText, UpdateNumber
from relay.texting import ListedText, PhoneConnector, SentText

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from relay.callscaler import Number, Text
    from relay.http import Http
    from relay.models import Counted, GroupOfNumbers

NUMBERS_FRESH = 300.0
"""Seconds for which the list of numbers is believed."""
NUMBERS_SECONDS = 5.0
"""Seconds that a text waits for the list of numbers, so that enough of its time is left for the text itself."""
ASK_SECONDS = 3.0
_MONEY = re.compile(r"\b(?:balance|funds|top up)\b", re.IGNORECASE)
_REGISTRATION = re.compile(r"\b(?:10dlc|a2p|campaign|sms-enabled|unregistered|not registered)\b", re.IGNORECASE)
WELL_PAST = 100
"""Older texts in a row, newest first, after which no younger one is looked for."""
_ANSWERED = {"completed", "answered"}


class CallScalerOptions(Form):
    """Who we are to the API, and where it is."""

    api_key: Secret
    base_url: str = "https://callscaler.com/api/v1"


class PhoneStep(Form):
    """One of text, regroup, update_number, restore; `do` says which."""

    step: Annotated[SendText | Regroup | UpdateNumber | Restore, Field(discriminator="do")]

    @model_validator(mode="before")
    @classmethod
    def _as_it_is(cls, written: Any) -> Any:
        return {"step": written} if isinstance(written, dict) and "do" in written else written


class CallScalerConnector(PhoneConnector):
    """The business's account."""

    Options = CallScalerOptions
    Action = PhoneStep

    def __init__(self, options: CallScalerOptions, http: Http) -> None:
        super().__init__(options, http)
        self.client = CallScaler(http, api_key=options.api_key, base_url=options.base_url)
        self._numbers: dict[str, Number] = {}
        self._read_at = float("-inf")
        self._mover = Mover(self.client)

    def lane(self, action: PhoneStep) -> str | None:
        """Changes of one number go in order; texts need none, their guards stand in the ledger."""
        return None if isinstance(action.step, SendText) else action.step.number

    async def send(self, job: Job[PhoneStep]) -> Receipt:
        """Do what the step asks for.

        Raises:
            Unclear: a text may have been sent.
            Unavailable: it was not, and may be tried again.
            Rejected: the account, the number or the group does not allow it.
        """
        step = job.action.step
        if isinstance(step, SendText):
            return await self._text(step, job)
        # Read before it is written: somebody may have moved or released the number since.
        self._read_at = float("-inf")
        number = await self._number(step.number, job.now)
        try:
            if isinstance(step, Regroup):
                return await self._mover.regroup(step, number, job)
            if isinstance(step, UpdateNumber):
                return await update(self.client, step, number, job)
            if step.groups is not None:
                return await self._mover.restore(step, number, job)
            return await change_back(self.client, step, number, job)
        finally:
            self._read_at = float("-inf")

    async def check(self) -> None:
        """Ask for the list of numbers: the key works, or it does not."""
        await self.client.numbers.list()

    async def _text(self, step: SendText, job: Job[PhoneStep]) -> Receipt:
        try:
            async with asyncio.timeout(NUMBERS_SECONDS):
                sender = await self._number(step.sender, job.now)
        except TimeoutError:
            # Told apart from a send without an answer: nothing has left yet, so it may be tried again.
            raise Unavailable(f"the list of numbers did not come within {NUMBERS_SECONDS:g} s") from None
        if sender.sms_enabled is False:
            raise _mute(step.sender)
        if not job.in_time():
            raise Unclear("it was not sent: the relay stood still until its time was over")
        try:
            sent = await self.client.messages.send(
                from_number_id=sender.id, to=step.to, body=step.body, idempotency_key=job.key
            )
        except Unfunded as error:
            raise Blocked(str(error)) from error
        except Invalid as error:
            raise await self._why_invalid(error, step.sender, job.now) from error
        return Receipt(id=sent.id, created=True)

    async def _why_invalid(self, error: Invalid, sender: str, now: float) -> DeliveryFailed:
        """What a refused text is to the relay: the account's or the sender's fault, which holds texts, or its own.

        No document says with which status a text without money or registration is refused (callscaler-api section 9).
        """
        if _MONEY.search(str(error)):
            return Blocked(_advised(error, "the balance is too low; top it up in CallScaler"))
        if _REGISTRATION.search(str(error)):
            return Blocked(_advised(error, f"enable and register {sender} for texting in CallScaler"), sender=sender)
        self._read_at = float("-inf")
        try:
            async with asyncio.timeout(NUMBERS_SECONDS):
                known = await self._number(sender, now)
        except (DeliveryFailed, TimeoutError):
            return error
        return _mute(sender) if known.sms_enabled is False else error

    async def _number(self, e164: str, now: float) -> Number:
        if e164 not in self._numbers or not 0 <= now - self._read_at < NUMBERS_FRESH:
            self._numbers = {n.phone_number: n for n in await self.client.numbers.list() if n.phone_number}
            self._read_at = now
        try:
            return self._numbers[e164]
        except KeyError:
            raise NotFound(f"{e164} is not one of the business's numbers in CallScaler") from None

    async def owned(self, now: float) -> list[Owned]:
        """The business's numbers, with their groups."""
        found = []
        for number in await self.client.numbers.list():
            if number.phone_number is None:
                continue
            found.append(
                Owned(
                    number=number.phone_number,
                    id=number.id,
                    name=number.label,
                    group=number.group_name,
                    group_id=number.group_id,
                    status=number.status,
                    sms_enabled=number.sms_enabled,
                    created_at=_moment(number.created_at),
                    read_at=now,
                )
            )
        return found

    async def groups(self) -> list[GroupOfNumbers]:
        """Every group of numbers with its members."""
        return await self._mover.groups()

    async def counted(self, now: float) -> dict[str, Counted]:
        """Calls by number as the service counts them, at most ten minutes old."""
        return await self._mover.counted(now)

    async def sent_texts(self, since: float) -> list[SentText]:
        """Every text listed; the list is read whole, as nothing promises its order.

        Raises:
            Unavailable: it could not be read whole.
        """
        listed = await self._listed(since - NUMBERS_FRESH, whole=True)
        return [
            SentText(text.id, text.to, text.sender, text.body, text.at)
            for text in listed
            if text.direction != "inbound"
        ]

    async def texts(self, since: float) -> list[ListedText]:
        """Every text listed, in either direction.

        Nothing promises the order of the list. Only one that goes from newest to oldest as far as it was read is left
        once it is well past `since`: a long list read whole twice a minute would use up all requests.

        Raises:
            Unavailable: it could not be read as far as that.
        """
        return await self._listed(since, whole=False)

    async def _listed(self, since: float, *, whole: bool) -> list[ListedText]:
        numbers = {n.id: n.phone_number for n in await self.client.numbers.list()}
        own = {number for number in numbers.values() if number}
        found = []
        last, sinking, past = math.inf, not whole, 0
        async with contextlib.aclosing(cast("AsyncGenerator[Text]", self.client.messages.texts())) as listed:
            async for text in listed:
                at = _moment(text.created_at)
                sinking = sinking and at is not None and at <= last
                last = last if at is None else at
                if at is not None and at < since:
                    past += 1
                    if sinking and past >= WELL_PAST:
                        break
                    continue
                sender = text.from_number or numbers.get(text.from_number_id or "")
                found.append(ListedText(text.id, _direction(text, sender, own), sender, text.to, text.body, at))
        return found

    async def recording(self, call: str) -> bytes:
        """A call's recording as MP3, by the call's id.

        Raises:
            NotFound: there is none, or none yet.
            DeliveryFailed: it could not be fetched.
        """
        audio = io.BytesIO()
        await self.client.calls.recording(call, audio)
        return audio.getvalue()

    async def answered(self, person: str, since: float) -> bool:
        """Whether a call with this person that began at or after `since` was answered.

        Raises:
            DeliveryFailed: it could not be asked within three seconds.
        """
        for call in await self.client.calls.search(person, timeout=ASK_SECONDS):
            at = _moment(call.created_at)
            people = {call.caller_number, call.destination_number}
            if person in people and call.status in _ANSWERED and at is not None and at >= since:
                return True
        return False


def _direction(text: Text, sender: str | None, own: set[str]) -> Literal["inbound", "outbound"] | None:
    """In or out, by the list's own word, else by which end is the business's."""
    if text.direction in ("inbound", "outbound"):
        return "inbound" if text.direction == "inbound" else "outbound"
    if text.from_number_id is not None or sender in own:
        return "outbound"
    return "inbound" if text.to in own else None


def _moment(written: str | None) -> float | None:
    try:
        moment = dt.datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def _advised(error: Invalid, advice: str) -> str:
    """What the client said of a refusal, with what to do about this one in place of its general advice."""
    return f"{str(error).rpartition(': ')[0]}: {advice}"


def _mute(sender: str) -> Blocked:
    return Blocked(f"{sender} cannot send texts: enable and register it for texting in CallScaler", sender=sender)
