"""The texts of a rule, judged before the first one goes out: what they cost at worst, and what should not be in them.

The worst case is rendered, not guessed: every blank is filled with the longest value that can come, then each one is
left empty or given its other values in turn, and the dearest text counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relay import sms
from relay.errors import Blank, TemplateError
from relay.rules.fields import FIELDS
from relay.rules.kinds import TEXTS as OF_TEXTS
from relay.rules.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from relay.forms import Path
    from relay.rules.rule import Rule
    from relay.rules.steps import Step

LONGEST_NAME = "Maximiliana-Josephine Wolfeschlegelstein"
"""40 characters, the most that the filter for names in texts lets through; names this long exist."""
_SPOKEN = "x" * 600
"""What a person says, writes, or an AI makes of it: nobody bounds it."""
_LONG: Mapping[str, str] = {
    "call.id": "CA" + "0" * 32,
    "call.landing_page_url": "https://www.example.com/" + "x" * 176,
    "call.recording_url": "https://recordings.example.com/" + "x" * 69,
    "caller.region": "Newfoundland and Labrador",
    "caller.country": "US",
    "caller.line": "fixed",
    "now.date": "2026-12-31",
}
_BY_KIND: Mapping[Kind, Any] = {
    Kind.TEXT: LONGEST_NAME,
    Kind.NUMBER: 1000,
    Kind.SPAN: 3600,
    Kind.PHONE: "+13125550101",
    Kind.LIST: ["existing customer", "vip"],
}
_STRANGERS = ("call.transcription", "call.summary", "call.raw", "text.body")
"""Whatever a stranger says ends up here, links and numbers to call included."""
_UNFILTERED = ("caller.city", "caller.region", "call.landing_page_url", "call.utm_", "call.gclid")
_STOP = re.compile(r"\b(?:STOP|UNSUBSCRIBE|ALTO|PARE|(?i:opt(?:ing)?[ -]out|(?:reply|text|send)\s+\W?stop))\b")
_SHORTENED = re.compile(
    r"\b(?:bit\.ly|bitly\.com|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|v\.gd|buff\.ly|rebrand\.ly|cutt\.ly|rb\.gy"
    r"|tiny\.cc|shorturl\.at|t\.ly|bl\.ink|lnkd\.in|short\.io|shorte\.st|soo\.gd|adf\.ly|tr\.im|dub\.sh|x\.co|trib\.al"
    r"|s\.id|clck\.ru|qr\.ae|snip\.ly|u\.to)(?![\w-]|\.\w)",
    re.IGNORECASE,
)
TEXTS = frozenset(OF_TEXTS)
_SAID = 20
"""Characters of a text quoted before the one that is meant."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something about a text; a mistake keeps the file from being used, anything else is a warning."""

    path: Path
    message: str
    is_mistake: bool


@dataclass(frozen=True, slots=True)
class House:
    """What a text is judged by beside its own words."""

    max_segments: int = 2
    """texting.max_segments."""
    known: Mapping[str, Any] = field(default_factory=dict)
    """Values that are the same in every text, by name: business.name."""


def complaints(rule: Rule, path: Path, house: House) -> list[Complaint]:
    """What is wrong or unwise about the texts of a rule that stands at `path` of the file."""
    found: list[Complaint] = []
    greeted = False
    for step in rule.acting:
        if step.verb != "text":
            continue
        place = (*path, "then", step.index, "body")
        texts = list(_renderings(step, house.known, LONGEST_NAME))
        if not texts:
            continue
        dear = list(_dear(max(texts, key=_price), place, house.max_segments))
        if step.recipient == "caller":
            found += _borrowed(step, place)
            if not greeted and not TEXTS & rule.when:
                found += _without_end(texts, place)
            greeted = True
        elif not any(complaint.is_mistake for complaint in dear):
            found += _boundless(step, place, house)
        found += dear
        found += _shortened(texts, place)
    return found


def _price(text: str) -> tuple[int, int]:
    cost = sms.measure(text)
    return cost.segments, cost.length


def _from_strangers(name: str) -> bool:
    return name in _STRANGERS or name.startswith("call.raw.")


def _borrowed(step: Step, place: Path) -> Iterator[Complaint]:
    for name in sorted(step.filling.names):
        if _from_strangers(name):
            message = f"{{{{ {name} }}}}: what a caller says must not be texted on; a stranger could write your texts"
            yield Complaint(place, message, is_mistake=True)
        elif name.startswith(_UNFILTERED):
            message = f"{{{{ {name} }}}} comes from outside and is put into the text as it is; caller.name is filtered"
            yield Complaint(place, message, is_mistake=False)


def _without_end(texts: list[str], place: Path) -> Iterator[Complaint]:
    if not all(_STOP.search(text) for text in texts):
        message = "the first text to a person should say how to end it: Reply STOP to opt out."
        yield Complaint(place, message, is_mistake=False)


def _boundless(step: Step, place: Path, house: House) -> Iterator[Complaint]:
    """A note to somebody of the owner's choosing may say what a caller said, however long that is."""
    cost = max((sms.measure(text).segments for text in _renderings(step, house.known, _SPOKEN)), default=0)
    if cost > house.max_segments:
        message = (
            f"what people say has no bound: this text can grow to {cost} segments and more, and texting.max_segments "
            f"is {house.max_segments}; cut it with truncate"
        )
        yield Complaint(place, message, is_mistake=False)


def _dear(text: str, place: Path, most: int) -> Iterator[Complaint]:
    """What the dearest text costs beyond what it may, or beyond what it need."""
    cost = sms.measure(text)
    plain = sms.measure(sms.in_gsm(text))
    strange = sms.foreign(text)
    cheaper = strange and plain.segments < cost.segments
    beyond = sms.overflow(text, most)
    if beyond is not None:
        message = (
            f"at worst this text is {cost} ({cost.alphabet}), and texting.max_segments is {most}: "
            f"{_at(text, beyond)} is the first too many"
        )
        if cheaper:
            message += f"; {_instead(strange, text)}, and it is {plain}"
        yield Complaint(place, message, is_mistake=True)
    elif cheaper:
        yield Complaint(place, f"{_instead(strange, text)}, and it is {plain} instead of {cost}", is_mistake=False)


def _instead(strange: tuple[str, ...], text: str) -> str:
    """Each strange character, where it first stands, and what to write for it."""
    said = []
    for character in strange[:3]:
        put = sms.plainer(character)
        code = f"{character} (U+{ord(character):04X}), character {text.index(character) + 1}"
        said.append(f"{code}, makes the text dearer: " + (f"write {put}" if put else "leave it out"))
    return "; ".join(said)


def _at(text: str, place: int) -> str:
    return f"character {place + 1} ({text[place]}, after {text[max(0, place - _SAID) : place]})"


def _shortened(texts: list[str], place: Path) -> Iterator[Complaint]:
    found = next((match for text in texts if (match := _SHORTENED.search(text))), None)
    if found is not None:
        message = f"{found[0]} is a link shortener: carriers drop texts with such links; write the whole address"
        yield Complaint(place, message, is_mistake=False)


def _renderings(step: Step, known: Mapping[str, Any], spoken: str) -> Iterator[str]:
    """The text with its blanks filled at their longest, then varied one at a time; one with a hole would not go.

    `spoken` stands for whatever people say, which has no length of its own.
    """
    names = sorted(step.filling.names)
    longest = {name: _longest(name, known, spoken) for name in names}
    for values in (longest, {name: known.get(name) for name in names}, *_varied(longest, known)):
        try:
            text = str(step.filling.fill(_nested(values))["body"])
        except (Blank, TemplateError):
            continue
        if text.strip():
            yield text


def _varied(longest: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in longest:
        if name in known:
            continue
        told = FIELDS.get(name)
        others: tuple[Any, ...] = (None, *(told.choices if told is not None else ()))
        if told is not None and told.kind is Kind.FLAG:
            others = (None, False)
        for value in others:
            yield {**longest, name: value}


def _longest(name: str, known: Mapping[str, Any], spoken: str) -> Any:
    if name in known:
        return known[name]
    if _from_strangers(name):
        return spoken
    if name in _LONG:
        return _LONG[name]
    told = FIELDS.get(name)
    if told is None:  # the result of an earlier step
        return LONGEST_NAME
    if told.choices:
        return max(told.choices, key=len)
    return True if told.kind is Kind.FLAG else _BY_KIND[told.kind]


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """From dotted names to what templates read."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split(".")
        holder: Any = tree
        for part in above:
            holder = holder.setdefault(part, {}) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder[last] = value
    return tree
