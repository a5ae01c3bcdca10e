"""When a business is open, and when a person may be texted: clocks on walls, reckoned in UTC by each zone's rules."""

from relay.hours.business import Business
from relay.hours.quiet import QuietHours
from relay.hours.states import STATES, StateHours
from relay.hours.wallclock import local, moment, read_clock, read_date, read_zone
from relay.hours.week import Week, read_hours

__all__ = [
    "STATES",
    "Business",
    "QuietHours",
    "StateHours",
    "Week",
    "local",
    "moment",
    "read_clock",
    "read_date",
    "read_hours",
    "read_zone",
]
