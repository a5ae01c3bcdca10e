"""Every thing the API answers with: fields of resources-api.txt first, in its order, then those of newer pages."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from relay.sandbox.route import Shape


class Number(Shape):
    """A tracking number of the business."""

    id: str
    phone_number: str
    friendly_name: str
    type: str
    call_flow_id: str | None
    call_flow_name: str | None
    group_id: str | None
    group_name: str | None
    status: str
    created_at: str
    name: str
    number_source: str
    total_calls: int
    sms_enabled: bool
    tcr_sw_state: str


class Capabilities(Shape):
    """What a number on offer can do."""

    voice: bool
    sms: bool
    mms: bool


class Offer(Shape):
    """A number that can be bought."""

    phone_number: str
    friendly_name: str
    region: str
    iso_country: str
    number_type: str
    capabilities: Capabilities


class CallFlow(Shape):
    """A call flow with its steps; step types are an open set."""

    id: str
    name: str
    steps: list[dict[str, Any]]
    settings: dict[str, Any]
    version: int
    assigned_numbers: int
    created_at: str


class CallFlowVersion(Shape):
    """One version of a call flow, as it was."""

    id: str
    call_flow_id: str
    version: int
    name: str
    steps: list[dict[str, Any]]
    settings: dict[str, Any]
    created_at: str


class Group(Shape):
    """A number group."""

    id: str
    name: str
    number_count: int
    created_at: str


class Pool(Shape):
    """A number pool for dynamic number insertion; session_length is in seconds."""

    id: str
    name: str
    website_url: str | None
    swap_number: str | None
    call_flow_id: str | None
    session_length: int
    backup_number: str | None
    created_at: str


class Gone(Shape):
    """What was deleted, released or revoked."""

    id: str
    deleted: bool


class Stats(Shape):
    """Figures over a set of calls; all whole numbers, durations in seconds."""

    total_calls: int
    answered_calls: int
    missed_calls: int
    voicemail_calls: int
    qualified_calls: int
    unique_callers: int
    total_minutes: int
    average_duration: int


class StatsOf(Shape):
    """Figures keyed by the id of what they are about."""

    stats: dict[str, Stats]


class Voicemail(Shape):
    """A voicemail; its audio is at /voicemails/:id/recording."""

    id: str
    call_id: str
    caller_number: str | None
    caller_name: str | None
    tracking_number: str | None
    call_flow_name: str | None
    duration_seconds: int
    transcription: str | None
    recording_url: str
    is_read: bool
    created_at: str


class Text(Shape):
    """A text message; from_number_id is null for one that came in, number_id is the business's number either way."""

    id: str
    direction: str
    from_number_id: str | None
    number_id: str | None
    from_: str = Field(alias="from")
    to: str
    body: str
    status: str
    segments: int
    cost_cents: int
    created_at: str


class Conversation(Shape):
    """Everything with one outside number: texts and calls, newest activity first in the list."""

    id: str
    contact_number: str
    contact_name: str | None
    tracking_number: str | None
    last_message: str | None
    last_direction: str | None
    text_count: int
    call_count: int
    last_activity_at: str


class Form(Shape):
    """A form submission that the tracking script captured."""

    id: str
    name: str | None
    phone: str | None
    email: str | None
    message: str | None
    source: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    gclid: str | None
    landing_page_url: str | None
    created_at: str


class Balance(Shape):
    """What is left to spend, in cents."""

    balance_cents: int
    currency: str


class Transaction(Shape):
    """One movement of money; amounts in cents, spending is negative."""

    id: str
    type: str
    description: str
    amount_cents: int
    balance_after_cents: int
    created_at: str


class ApiKey(Shape):
    """A key as the list shows it."""

    id: str
    name: str
    prefix: str
    role: str
    created_at: str


class NewApiKey(Shape):
    """A key as it is shown once."""

    id: str
    name: str
    key: str
    prefix: str
    created_at: str


class Delivery(Shape):
    """One post-call webhook, all its attempts together."""

    id: str
    call_id: str
    call_flow_id: str
    url: str
    status: str
    http_status: int | None
    attempts: int
    last_error: str | None
    created_at: str
    delivered_at: str | None


class Call(Shape):
    """A call as the lists show it."""

    id: str
    direction: str
    status: str
    caller_number: str | None
    caller_name: str | None
    tracking_number: str | None
    destination_number: str | None
    call_flow_name: str | None
    source: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    gclid: str | None
    landing_page_url: str | None
    duration_seconds: int
    recording_url: str | None
    recording_duration: int | None
    has_transcription: bool
    ai_score: int | None
    ai_category: str | None
    qualified_ai: bool | None
    qualification_reason: str | None
    keywords_spotted: list[str]
    robo_score: int | None
    cost_cents: int
    value_cents: int | None
    created_at: str
    transcription: str | None = None
    summary: str | None = None


class Transcription(Shape):
    """What was said."""

    transcription: str | None


class Pagination(Shape):
    """Where the next part of a list begins."""

    has_more: bool
    next_cursor: str | None


class CallPage(Shape):
    """A part of the calls; has_more and next_cursor stand in `pagination` when the sandbox is set so."""

    calls: list[Call]
    has_more: bool | None = None
    next_cursor: str | None = None
    pagination: Pagination | None = None


class Analysis(Shape):
    """Groups of calls, the same metrics over all of them, and how many groups there are."""

    data: list[dict[str, Any]]
    totals: dict[str, Any]
    count: int
