"""Sample webhooks, one for each kind of call, in the shape that CallScaler posts them (callscaler-api section 6)."""

from __future__ import annotations

from typing import Any

from relay.forms import unknown

_BASE: dict[str, Any] = {
    "event": "call.completed",
    "call_id": "sample-call",
    "direction": "inbound",
    "status": "completed",
    "caller_number": "+13125550101",
    "caller_name": "Dana Example",
    "tracking_number": "+13125550142",
    "destination_number": "+13125550167",
    "duration_seconds": 145,
    "call_flow_name": "Google Ads",
    "recording_url": "https://recordings.example.com/calls/sample.mp3",
    "source": "google",
    "utm_source": "google",
    "utm_medium": "cpc",
    "utm_campaign": "emergency-plumbing",
    "utm_term": "plumber near me",
    "gclid": None,
    "landing_page_url": "https://www.example.com/plumbing",
    "transcription": None,
    "summary": None,
    "ai_score": None,
    "ai_category": None,
    "qualified_ai": None,
    "created_at": None,
}
AI = {
    "transcription": "Caller: My water heater is leaking, can someone come today?",
    "summary": "A leaking water heater; asks for a visit today.",
    "ai_score": 82,
    "ai_category": "lead",
    "qualified_ai": True,
}
"""What arrives later in immediate mode."""
TEST = "test"
"""The call flow's test button; what CallScaler posts then is nowhere written down."""
_MISSED = {"event": "call.missed", "status": "no-answer", "duration_seconds": 0, "recording_url": None}

SAMPLES: dict[str, dict[str, Any]] = {
    "completed": {},
    "completed-with-ai": AI,
    "missed-call": _MISSED,
    "busy": {**_MISSED, "status": "busy"},
    "voicemail": {"event": "call.voicemail", "status": "voicemail", "duration_seconds": 38, "destination_number": None},
    "failed": {"event": "call.failed", "status": "failed", "duration_seconds": 0, "recording_url": None},
    "outbound": {
        "direction": "outbound",
        "caller_number": "+13125550142",
        "caller_name": None,
        "destination_number": "+13125550109",
        "call_flow_name": None,
    },
    "spam": {
        "caller_number": "+18005550110",
        "caller_name": "TOLL FREE CALL",
        "duration_seconds": 11,
        "ai_score": 3,
        "ai_category": "spam",
        "qualified_ai": False,
    },
    "withheld": {**_MISSED, "caller_number": "anonymous", "caller_name": None},
    "minimal": {},
    "test": {"test": True},
}
_BY_TYPE = {
    "call.completed": "completed",
    "call.missed": "missed-call",
    "call.voicemail": "voicemail",
    "call.failed": "failed",
    "call.enriched": "completed-with-ai",
    "text.received": "completed",
    "text.unanswered": "completed",
}


def sample(name: str) -> dict[str, Any]:
    """A sample by its name, or by the type of event it shows.

    Raises:
        ValueError: there is none of that name.
    """
    found = _BY_TYPE.get(name, name)
    if found not in SAMPLES:
        raise ValueError(unknown(name, [*SAMPLES, *_BY_TYPE], "sample"))
    if found == "minimal":
        return {"event": "call.missed", "call_id": "sample-call"}
    return {**_BASE, **SAMPLES[found]}
