"""Every name that conditions and templates may use, its type, and what it means.

One list for the matcher, the templates, the schema and the reference page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from relay.forms import nearest


class Kind(StrEnum):
    """What a field holds, which decides how a value written in a condition is read."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    PHONE = "phone"
    LIST = "list"
    SPAN = "span"
    """Seconds; a condition may write 2m for 120."""
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Field:
    """One name."""

    name: str
    kind: Kind
    meaning: str
    choices: tuple[str, ...] = ()
    """All that it can say, where that is known."""
    window: float = 0.0
    """Seconds of calls that it is counted over, for what says something of a number; 0 for all else."""


def _fields(*rows: tuple[str, Kind, str]) -> dict[str, Field]:
    return {name: Field(name, kind, meaning) for name, kind, meaning in rows}


T, N, F, P, L, S = Kind.TEXT, Kind.NUMBER, Kind.FLAG, Kind.PHONE, Kind.LIST, Kind.SPAN

FIELDS = _fields(
    ("call.id", T, "the call's id, the same in every webhook and in the API"),
    ("call.event", T, "the type of this event: call.missed, call.enriched …"),
    ("call.outcome", T, "answered, missed, voicemail or failed"),
    ("call.status", T, "as the sender wrote it: completed, no-answer, busy, voicemail, failed"),
    ("call.direction", T, "inbound or outbound; inbound when the sender does not say"),
    ("call.duration", S, "length of the call in seconds"),
    ("call.started_at", T, "when the call began, ISO 8601 in UTC"),
    ("call.flow", T, "name of the call flow"),
    ("call.source", T, "traffic source: google, facebook, direct …"),
    ("call.utm_source", T, "attribution"),
    ("call.utm_medium", T, "attribution"),
    ("call.utm_campaign", T, "attribution"),
    ("call.utm_term", T, "attribution: the keyword"),
    ("call.gclid", T, "Google's click id"),
    ("call.landing_page_url", T, "the page the caller came from"),
    ("call.recording_url", T, "link to the recording"),
    ("call.transcription", T, "what was said; arrives later in immediate mode"),
    ("call.summary", T, "the AI's summary; arrives later in immediate mode"),
    ("call.ai_score", N, "the AI's score, 0 to 100"),
    ("call.ai_category", T, "lead, existing_customer, spam, wrong_number, voicemail …"),
    ("call.qualified", F, "whether the AI calls the caller qualified"),
    ("call.robo_score", N, "likelihood of a robocall, 0 to 100"),
    ("call.spam", T, "unlikely, likely or certain"),
    ("call.is_late", F, "whether the event was fetched later (backfill, replay) rather than received"),
    ("call.is_test", F, "whether the event is a test"),
    ("call.raw", Kind.ANY, "the fields as the sender wrote them: call.raw.my_field"),
    ("caller.number", P, "the outside person's number in E.164; missing when withheld"),
    ("caller.raw", T, "the number as the sender wrote it: anonymous, 5551234 …"),
    ("caller.name", T, "the caller's name as the phone network knows it"),
    ("caller.looks_like_person", F, "whether the name can be a person's, rather than a network's or a firm's"),
    ("caller.first_name", T, "first name, when the name looks like a person's"),
    ("caller.city", T, "the caller's city"),
    ("caller.region", T, "the caller's state or province"),
    ("caller.country", T, "country of the number: US, CA …"),
    ("caller.line", T, "mobile, fixed, either, toll_free, premium, voip or unknown"),
    ("caller.distinct_numbers_24h", N, "how many of the business's numbers this person called in 24 hours"),
    ("caller.had_long_call", F, "whether a call with this person of two minutes or more was ever answered"),
    ("caller.is_new", F, "whether this person never called before"),
    ("caller.calls_1h", N, "calls by this person in the last hour, this one included"),
    ("caller.calls_24h", N, "calls by this person in the last 24 hours, this one included"),
    ("caller.calls_7d", N, "calls by this person in the last 7 days, this one included"),
    ("caller.calls_30d", N, "calls by this person in the last 30 days, this one included"),
    ("caller.answered_since", F, "whether this call or a later one with this person was answered"),
    ("caller.replied_since", F, "whether this person texted since this call"),
    ("caller.last_call_at", T, "when this person called before, ISO 8601"),
    ("caller.texts_24h", N, "texts sent to this person in the last 24 hours"),
    ("caller.last_texted_at", T, "when this person was last texted, ISO 8601"),
    ("caller.opted_out", F, "whether this person asked not to be texted"),
    ("caller.tags", L, "tags given by rules"),
    ("number.number", P, "the business's number that was called"),
    ("number.name", T, "its name"),
    ("number.group", T, "the group it is in"),
    ("number.status", T, "active …"),
    ("number.sms_enabled", F, "whether it can send texts"),
    ("number.calls_7d", N, "calls to it in the last 7 days"),
    ("number.calls_30d", N, "calls to it in the last 30 days"),
    ("number.answer_rate_7d", N, "share of those answered, in percent"),
    ("number.answer_rate_30d", N, "share of those answered, in percent"),
    ("number.age_days", N, "days since it was bought"),
    ("text.id", T, "id of the text that came in"),
    ("text.body", T, "what it says"),
    ("text.from", P, "who sent it"),
    ("text.to", P, "the business's number it came to"),
    ("text.received_at", T, "when it came, ISO 8601"),
    ("text.is_optout", F, "whether it asks to stop texting"),
    ("business.name", T, "the business's name"),
    ("business.timezone", T, "its time zone"),
    ("now.open", F, "whether the business is open"),
    ("now.weekday", T, "mon, tue, wed, thu, fri, sat or sun, on the business's clock"),
    ("now.hour", N, "0 to 23, on the business's clock"),
    ("now.date", T, "2026-03-02, on the business's clock"),
    ("now.holiday", F, "whether today is one of business: closed"),
)

CHOICES = {
    "call.outcome": ("answered", "missed", "voicemail", "failed"),
    "call.direction": ("inbound", "outbound"),
    "call.spam": ("unlikely", "likely", "certain"),
    "now.weekday": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
}
FIELDS |= {name: replace(FIELDS[name], choices=choices) for name, choices in CHOICES.items()}

_DAY = 86400.0
WINDOWS = {
    "number.calls_7d": 7 * _DAY,
    "number.calls_30d": 30 * _DAY,
    "number.answer_rate_7d": 7 * _DAY,
    "number.answer_rate_30d": 30 * _DAY,
}
FIELDS |= {name: replace(FIELDS[name], window=window) for name, window in WINDOWS.items()}

STEP_FIELDS = ("state", "id", "url", "created", "body")


def complaint(name: str, *, step_ids: tuple[str, ...] = ()) -> str | None:
    """What is wrong with a dotted name, or None when it is known."""
    parts = name.split(".")
    if name in FIELDS or parts[:2] == ["call", "raw"]:
        return None
    if parts[0] == "steps":
        return _step_complaint(parts, step_ids)
    if len(parts) == 1:
        groups = sorted({known.split(".")[0] for known in FIELDS})
        return f"`{name}` is not known; names begin with {', '.join(groups)} or steps"
    near = nearest(name, FIELDS)
    return f"`{name}` is not known" + (f"; did you mean `{near}`?" if near else "")


def _step_complaint(parts: list[str], step_ids: tuple[str, ...]) -> str | None:
    if len(parts) < 2 or parts[1] not in step_ids:  # noqa: PLR2004 - steps.<id>
        named = ", ".join(step_ids) or "no earlier step of this rule has one"
        return f"`{'.'.join(parts)}` names no earlier step; steps with an `id:` are: {named}"
    if len(parts) > 2 and parts[2] not in STEP_FIELDS:  # noqa: PLR2004 - steps.<id>.<field>
        return f"`{'.'.join(parts)}`: a step's result has {', '.join(STEP_FIELDS)}"
    return None
