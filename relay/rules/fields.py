"""Every name that conditions and templates may use: its type, what it means, and how it is read.

One table for the matcher, the templates, the schema and the reference page.
"""

from __future__ import annotations

from dataclasses import replace

from relay import phone
from relay.forms import nearest
from relay.models import iso
from relay.rules.kinds import (
    Field,
    Kind,
    Reader,
    call,
    line,
    of_name,
    of_number,
    owned,
    person,
    rate,
    text,
    week,
    week_rate,
)


def _fields(*rows: tuple[str, Kind, str, Reader]) -> dict[str, Field]:
    return {name: Field(name, kind, meaning, read) for name, kind, meaning, read in rows}


T, N, F, P, L, S = Kind.TEXT, Kind.NUMBER, Kind.FLAG, Kind.PHONE, Kind.LIST, Kind.SPAN

FIELDS = _fields(
    ("call.id", T, "the call's id, the same in every webhook and in the API", call("id")),
    ("call.event", T, "the type of this event: call.missed, call.enriched …", call("event")),
    ("call.outcome", T, "answered, missed, voicemail or failed", call("outcome")),
    ("call.status", T, "as the sender wrote it: completed, no-answer, busy, voicemail, failed", call("status")),
    ("call.direction", T, "inbound or outbound; inbound when the sender does not say", call("direction")),
    ("call.duration", S, "length of the call in seconds", call("duration")),
    ("call.started_at", T, "when the call began, ISO 8601 in UTC", call("started_at")),
    ("call.flow", T, "name of the call flow", call("flow")),
    ("call.source", T, "traffic source: google, facebook, direct …", call("source")),
    ("call.utm_source", T, "attribution", call("utm_source")),
    ("call.utm_medium", T, "attribution", call("utm_medium")),
    ("call.utm_campaign", T, "attribution", call("utm_campaign")),
    ("call.utm_term", T, "attribution: the keyword", call("utm_term")),
    ("call.gclid", T, "Google's click id", call("gclid")),
    ("call.landing_page_url", T, "the page the caller came from", call("landing_page_url")),
    ("call.recording_url", T, "link to the recording", call("recording_url")),
    ("call.transcription", T, "what was said; arrives later in immediate mode", call("transcription")),
    ("call.summary", T, "the AI's summary; arrives later in immediate mode", call("summary")),
    ("call.ai_score", N, "the AI's score, 0 to 100", call("ai_score")),
    ("call.ai_category", T, "lead, existing_customer, spam, wrong_number, voicemail …", call("ai_category")),
    ("call.qualified", F, "whether the AI calls the caller qualified", call("qualified")),
    ("call.robo_score", N, "likelihood of a robocall, 0 to 100", call("robo_score")),
    ("call.spam", T, "unlikely, likely or certain: by the scorecard, else by what the AI says", lambda f: f.spam.word),
    ("call.spam_score", N, "points of the spam scorecard; 0 without one", lambda f: f.spam.score),
    ("call.spam_reasons", L, "the lines of the scorecard that held, in words", lambda f: f.spam.reasons),
    (
        "call.is_late",
        F,
        "whether the event was fetched later (backfill, replay) rather than received",
        lambda f: f.event.late,
    ),
    ("call.is_test", F, "whether the event is a test", call("is_test")),
    (
        "call.why_url",
        T,
        "the dashboard's page that explains this event; missing without server: admin_url",
        lambda f: f"{f.about.admin_url.rstrip('/')}/calls/{f.event.id}" if f.about.admin_url else None,
    ),
    ("call.raw", Kind.ANY, "the fields as the sender wrote them: call.raw.my_field", lambda f: f.event.raw),
    ("caller.number", P, "the outside person's number in E.164; missing when withheld", lambda f: f.event.caller),
    ("caller.raw", T, "the number as the sender wrote it: anonymous, 5551234 …", lambda f: f.event.caller_raw),
    ("caller.name", T, "the caller's name as the phone network knows it", lambda f: f.event.call.get("caller_name")),
    (
        "caller.looks_like_person",
        F,
        "whether the name can be a person's, rather than a network's or a firm's",
        of_name(phone.looks_like_person),
    ),
    ("caller.first_name", T, "first name, when the name looks like a person's", of_name(phone.first_name)),
    ("caller.city", T, "the caller's city", lambda f: f.event.call.get("caller_city")),
    ("caller.region", T, "the caller's state or province", lambda f: f.event.call.get("caller_region")),
    ("caller.country", T, "country of the number: US, CA …", of_number(phone.region)),
    ("caller.line", T, "mobile, fixed, either, toll_free, premium, voip or unknown", of_number(phone.line)),
    (
        "caller.distinct_numbers_24h",
        N,
        "how many of the business's numbers this person called in 24 hours",
        person("distinct_numbers_24h"),
    ),
    (
        "caller.had_long_call",
        F,
        "whether a call with this person of two minutes or more was ever answered",
        person("had_long_call"),
    ),
    ("caller.is_new", F, "whether this person never called before", person("is_new")),
    ("caller.calls_1h", N, "calls by this person in the last hour, this one included", person("calls_1h")),
    (
        "caller.calls_24h",
        N,
        "calls by this person in the last 24 hours, this one included",
        person("calls_24h"),
    ),
    ("caller.calls_7d", N, "calls by this person in the last 7 days, this one included", person("calls_7d")),
    (
        "caller.calls_30d",
        N,
        "calls by this person in the last 30 days, this one included",
        person("calls_30d"),
    ),
    (
        "caller.answered_since",
        F,
        "whether this call or a later one with this person was answered",
        person("answered_since"),
    ),
    ("caller.replied_since", F, "whether this person texted since this call", person("replied_since")),
    (
        "caller.texted_by_human_since",
        F,
        "whether somebody on the account, and not the relay, texted this person since this call began",
        person("texted_by_human_since"),
    ),
    ("caller.last_call_at", T, "when this person called before, ISO 8601", lambda f: iso(f.person.last_call_at)),
    ("caller.texts_24h", N, "texts sent to this person in the last 24 hours", person("texts_24h")),
    ("caller.last_texted_at", T, "when this person was last texted, ISO 8601", lambda f: iso(f.person.last_texted_at)),
    ("caller.opted_out", F, "whether this person asked not to be texted", person("opted_out")),
    ("caller.tags", L, "tags given by rules", person("tags")),
    ("number.number", P, "the business's number that was called", lambda f: f.event.number),
    ("number.name", T, "its name", owned("name")),
    ("number.group", T, "the group it is in", owned("group")),
    ("number.status", T, "active …", owned("status")),
    ("number.sms_enabled", F, "whether it can send texts", owned("sms_enabled")),
    ("number.calls_7d", N, "calls to it in the last 7 days", line("calls_7d")),
    ("number.calls_30d", N, "calls to it in the last 30 days", line("calls_30d")),
    (
        "number.answer_rate_7d",
        N,
        "share of those answered, in percent",
        rate("answered_7d", "calls_7d"),
    ),
    (
        "number.answer_rate_30d",
        N,
        "share of those answered, in percent",
        rate("answered_30d", "calls_30d"),
    ),
    ("number.age_days", N, "days since it was bought", lambda f: f.age_days),
    ("text.id", T, "id of the text that came in", text("id")),
    ("text.body", T, "what it says", text("body")),
    ("text.from", P, "who sent it", text("from")),
    ("text.to", P, "the business's number it came to", text("to")),
    ("text.received_at", T, "when it came, ISO 8601", text("received_at")),
    ("text.is_optout", F, "whether it asks to stop texting", text("is_optout")),
    ("text.may_be_optout", F, "true where it may ask to stop, and a person should read it", text("review")),
    ("business.name", T, "the business's name", lambda f: f.about.name),
    ("business.timezone", T, "its time zone", lambda f: f.about.hours.zone),
    (
        "business.hours",
        T,
        "its hours as they are written: mon-fri 08:00-18:00, sat 09:00-13:00",
        lambda f: f.about.hours_written,
    ),
    (
        "business.closed",
        L,
        "dates it is closed on, from business: closed",
        lambda f: sorted(day.isoformat() for day in f.about.hours.closed_dates),
    ),
    ("business.calls_7d", N, "calls to all numbers in the last 7 days, to the hour", week("calls_7d")),
    ("business.answer_rate_7d", N, "share of those answered, in percent", week_rate("answered_7d", "calls_7d")),
    ("business.missed_7d", N, "those missed", week("missed_7d")),
    ("business.voicemails_7d", N, "those that left a voicemail", week("voicemails_7d")),
    ("business.texts_7d", N, "texts that went out in the last 7 days, by anybody on the account", week("texts_7d")),
    ("business.replies_7d", N, "texts that came in in the last 7 days", week("replies_7d")),
    ("business.numbers_7d", L, "a line for each number that was called, the busiest first", week("numbers_7d")),
    ("now.open", F, "whether the business is open", lambda f: f.about.hours.is_open(f.at)),
    (
        "now.weekday",
        T,
        "mon, tue, wed, thu, fri, sat or sun, on the business's clock",
        lambda f: f.local.strftime("%a").lower(),
    ),
    ("now.hour", N, "0 to 23, on the business's clock", lambda f: f.local.hour),
    ("now.time", T, "07:05, on the business's clock", lambda f: f.local.strftime("%H:%M")),
    ("now.date", T, "2026-03-02, on the business's clock", lambda f: f.local.date().isoformat()),
    (
        "now.holiday",
        F,
        "whether today is one of business: closed, or a public holiday by business: holidays",
        lambda f: f.about.is_holiday(f.local.date()),
    ),
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
