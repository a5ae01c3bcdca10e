"""Two machines that answer each other: somebody who calls again after every text (reliability T12, R16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay import phone
from relay.texting.judging import Alarm, Judgement

if TYPE_CHECKING:
    from relay.models import CallerFacts

CALLS = 10
"""Calls in 24 hours from a person who was texted meanwhile, at which a loop is suspected."""
TEXTS = 10
"""Texts in 24 hours to one such person, after which none goes, whatever the limits allow."""
_WHAT = "{who} called {calls} times in 24 hours and was texted {texts} times: perhaps a machine that answers our texts"
_REMEDY = "Look at `relay find`; `relay optout add` ends it, and a list can keep the number out of the rule's `if`."


def looped(said: Judgement, person: str, known: CallerFacts) -> Judgement:
    """The judgement on a text to a caller, with an alarm where the caller seems to answer texts with calls."""
    if known.calls_24h < CALLS or not known.texts_24h:
        return said
    who = phone.mask(person)
    what = _WHAT.format(who=who, calls=known.calls_24h, texts=known.texts_24h)
    alarm = Alarm(f"loop_suspected:{who}", what, _REMEDY)
    if said.word == "go" and known.texts_24h >= TEXTS:
        return Judgement("never", f"loop suspected: {known.texts_24h} texts to this person in 24h", alarm=alarm)
    return Judgement(said.word, said.reason, said.until, guard=said.guard, alarm=alarm, findings=said.findings)
