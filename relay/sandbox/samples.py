"""A small business with a month behind it: numbers, groups, call flows, calls, a pool, form submissions, some money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.sandbox import billing, call_flows
from relay.sandbox.stamps import DAY

if TYPE_CHECKING:
    from relay.sandbox.phone import Phone
    from relay.sandbox.route import World
    from relay.sandbox.state import Row

GROUPS = ("Main", "Sales", "Parked", "Seasonal")


@dataclass(frozen=True, slots=True)
class _Line:
    phone_number: str
    name: str
    group: str
    flow: str
    sms_enabled: bool = True


LINES = (
    _Line("+13125550142", "Google Ads", "Main", "Google Ads"),
    _Line("+13125550143", "Facebook", "Main", "Google Ads"),
    _Line("+13125550144", "Website", "Sales", "Main Office Line"),
    _Line("+13125550145", "Yard signs", "Sales", "Main Office Line"),
    _Line("+13125550146", "Snow removal", "Seasonal", "Main Office Line"),
    _Line("+13125550147", "Old flyer", "Main", "Main Office Line", sms_enabled=False),
)
_FLOWS = {
    "Google Ads": [
        {"type": "greeting", "message": "Thanks for calling"},
        {"type": "forward", "number": "+13125550167"},
        {"type": "voicemail", "message": "Please leave a message"},
    ],
    "Main Office Line": [{"type": "forward", "number": "+13125550167"}],
}
_LEAD = {
    "transcription": "Agent: Example Plumbing, how can I help? Caller: My water heater is leaking.",
    "summary": "Caller reports a leaking water heater.",
    "ai_score": 82,
    "ai_category": "lead",
    "qualified_ai": True,
    "qualification_reason": "Asked for a visit",
    "keywords_spotted": ["water heater"],
}
_MESSAGE = {
    "transcription": "Hi, please call me back about the tune-up offer.",
    "summary": "Asks for a callback about the tune-up offer.",
    "ai_score": 64,
    "ai_category": "voicemail",
    "qualified_ai": False,
}
_MIX = ("answered", "answered", "missed", "answered", "voicemail", "answered", "busy", "missed", "answered", "failed")
_ANALYSES: dict[str, dict[str, Any]] = {"answered": _LEAD, "voicemail": _MESSAGE}


def add_group(world: World, name: str) -> Row:
    """The group of this name, made if it is missing."""
    found = world.state.row("SELECT * FROM number_groups WHERE name = ?", (name,))
    return found or world.state.add("number_groups", name=name, created_at=world.clock())


def add_flow(world: World, name: str) -> str:
    """The id of the call flow of this name, made if it is missing."""
    found = world.state.value("SELECT id FROM call_flows WHERE name = ? ORDER BY seq LIMIT 1", (name,))
    settings = {"recording": True, "whisper": True, "press1": False}
    return str(found or call_flows.make(world.state, name, _FLOWS.get(name, []), settings, world.clock()).id)


def add_number(
    world: World,
    phone_number: str,
    name: str,
    *,
    group: str | None = None,
    flow: str | None = None,
    sms_enabled: bool = True,
    created_at: float | None = None,
) -> Row:
    """A number that the business has had for a while; group and call flow by their names."""
    return world.state.add(
        "numbers",
        phone_number=phone_number,
        friendly_name=name,
        type="local",
        call_flow_id=add_flow(world, flow) if flow else None,
        group_id=add_group(world, group)["id"] if group else None,
        status="active",
        sms_enabled=int(sms_enabled),
        tcr_sw_state="approved" if sms_enabled else "not_registered",
        created_at=world.clock() if created_at is None else created_at,
    )


def fill(world: World, phone: Phone) -> None:
    """Put the sample data in; nothing is sent for calls of the past."""
    now = world.clock()
    for group in GROUPS:
        add_group(world, group)
    for line in LINES:
        add_number(
            world,
            line.phone_number,
            line.name,
            group=line.group,
            flow=line.flow,
            sms_enabled=line.sms_enabled,
            created_at=now - 90 * DAY,
        )
    billing.book(world, world.settings.balance_cents, "top_up", "Added funds")
    world.state.add(
        "number_pools",
        name="Website visitors",
        website_url="https://www.example.com",
        swap_number="+13125550144",
        call_flow_id=add_flow(world, "Main Office Line"),
        session_length=1_800,
        created_at=now - 60 * DAY,
    )
    world.state.add(
        "forms",
        name="Dana Whitfield",
        phone="+13125550101",
        email="dana@example.com",
        message="Do you install heat pumps?",
        source="google",
        utm_source="google",
        landing_page_url="https://www.example.com/contact",
        created_at=now - 2 * DAY,
    )
    for nth in range(world.settings.past_calls):
        outcome = _MIX[nth % len(_MIX)]
        phone.remember(
            outcome,
            caller=f"+1312555{101 + nth % 30:04}",
            number=LINES[nth % len(LINES)].phone_number,
            at=now - (world.settings.past_calls - nth) * DAY,
            ai=_ANALYSES.get(outcome, {}),
        )
