"""The scripted day: what the outside world does, act by act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.demo.world import World

PARKED = "+13125550148"
SLACK_DOWN = "Slack goes down"
STALE = 3 * 3600.0
"""Seconds by which the webhook of one call comes late."""

_LEAD = {
    "transcription": "Caller: My water heater is leaking, can someone come today?",
    "summary": "A leaking water heater; asks for a visit today.",
    "ai_score": 87,
    "ai_category": "lead",
    "qualified_ai": True,
}
_CUSTOMER = {
    "transcription": "Caller: I am calling about my invoice.",
    "summary": "Asks about an invoice.",
    "ai_score": 55,
    "ai_category": "existing_customer",
    "qualified_ai": False,
}
_SPAM = {"ai_category": "spam", "ai_score": 2}


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens: a line for whoever watches, and the deed."""

    said: str
    deed: Callable[[World], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the script; `then` are AI fields that arrive afterwards, by a second webhook."""

    outcome: str
    caller: str | None
    name: str | None = None
    number: str = "+13125550142"
    direction: str = "inbound"
    age: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)
    then: Mapping[str, Any] | None = None
    remember_as: str | None = None

    def act(self) -> Act:
        """The call as an act."""
        who = self.name or self.caller or "a withheld number"
        arrow = "←" if self.direction == "outbound" else "→"
        return Act(f"{self.outcome:<9} {who} {arrow} {self.number}", self._ring)

    async def _ring(self, world: World) -> None:
        call_id = await world.sandbox.phone.ring(
            self.outcome,
            caller=self.caller,
            name=self.name,
            number=self.number,
            direction=self.direction,
            at=world.clock() - self.age if self.age else None,
            extra=self.extra or None,
        )
        if self.remember_as is not None:
            world.remembered[self.remember_as] = call_id
        if self.then is not None:
            world.enrich_later(call_id, self.then)


def _people(area: str, first: int, names: str) -> list[tuple[str, str]]:
    return [(f"+1{area}5550{first + i:03d}", name) for i, name in enumerate(names.split(","))]


_ANSWERED = _people(
    "312",
    101,
    "Dana Whitfield,Rosa Jimenez,Omar Haddad,Kate Lindqvist,Paul Brennan,Mei Tanaka,Ivan Petrov,Yusuf Aydin,Ed Moss",
)
_MISSED = _people(
    "773", 121, "Lena Ortiz,Sam Rivera,Grace Kim,Noah Fischer,Ada Mensah,Tom Becker,Nina Rossi,Eva Horak,Pete Sloan"
)
_VOICEMAIL = _people("708", 141, "Ruth Alvarez,Ben Carter,Zoe Marchetti,Leo Novak,Fay Lin")
_BUSY = _people("847", 151, "Amir Said,Hanna Berg,WIRELESS CALLER")
_CALLED = _people("630", 161, "Olga Ivanova,Carl Jensen,Maya Patel")
_SPAMMERS = [("+18005550171", "TOLL FREE CALL"), ("+13125550172", "SAVE ENERGY"), ("+13125550173", "DUCT CLEAN")]
IMPATIENT = "+13125550181"
LUCKY = "+13125550182"


def _calls() -> list[Call]:
    """The calls of the day, in their order, but for the ones that need an act between them."""
    answered = [Call("answered", number, name) for number, name in _ANSWERED]
    answered[0] = Call("answered", *_ANSWERED[0], then=_LEAD, remember_as="twice")
    answered[2] = Call("answered", *_ANSWERED[2], number="+13125550143", then=_CUSTOMER)
    answered[4] = Call("answered", *_ANSWERED[4], then=_LEAD)
    missed = [Call("missed", number, name, remember_as="again") for number, name in _MISSED]
    voicemail = [Call("voicemail", number, name, number="+13125550143") for number, name in _VOICEMAIL]
    busy = [Call("busy", number, name) for number, name in _BUSY]
    called = [Call("answered", number, name, direction="outbound") for number, name in _CALLED]
    spam = [
        Call("missed" if i else "answered", number, name, extra=_SPAM) for i, (number, name) in enumerate(_SPAMMERS)
    ]
    other = [
        Call("failed", "+12245550191", "Jo Lambert"),
        Call("failed", "+12245550192", None),
        Call("missed", None),
        Call("answered", None),
        Call("missed", "+13125550193", "Late Larry", age=STALE),
        Call("answered", "+13125550194", "Old Friend", number=PARKED),
    ]
    turns = [answered, missed, voicemail, busy, called, spam, other]
    mixed: list[Call] = []
    while any(turns):
        mixed.extend(turn.pop(0) for turn in turns if turn)
    return mixed


async def _duplicate(world: World) -> None:
    for name in ("twice", "again"):
        await world.sandbox.phone.repeat(world.remembered[name])


async def _forged(world: World) -> None:
    for secret in ("", "guessed", "obviously-not-the-secret"):
        await world.forge(secret)


async def _slack_down(world: World) -> None:
    world.slack.down = True


async def _slack_up(world: World) -> None:
    world.slack.down = False


async def _texted(world: World) -> None:
    """Wait until the impatient caller has been texted once, so that later misses meet the cooldown."""
    await world.until(lambda: any(text["to"] == IMPATIENT for text in world.sandbox.texts()))


def script() -> list[Act]:
    """Everything that happens, in order."""
    acts = [call.act() for call in _calls()]
    acts.insert(0, Call("missed", IMPATIENT, "Impatient Irene").act())
    acts.insert(8, Act(SLACK_DOWN, _slack_down))
    acts.insert(9, Call("missed", LUCKY, "Lucky Luke").act())
    acts.insert(10, Call("answered", LUCKY, "Lucky Luke").act())
    acts.insert(20, Act("three forged requests come in", _forged))
    acts.insert(24, Act("Slack is back", _slack_up))
    acts.insert(28, Act("two webhooks come in a second time", _duplicate))
    acts.append(Act("Impatient Irene has been texted", _texted))
    acts.append(Call("missed", IMPATIENT, "Impatient Irene").act())
    acts.append(Call("missed", IMPATIENT, "Impatient Irene").act())
    return acts
