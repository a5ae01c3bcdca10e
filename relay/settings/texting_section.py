"""The section `texting`: what holds for every text that any rule sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.hours import QuietHours
from relay.texting import Limit, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.hours import Business
    from relay.texting import TextingForm


def read_policy(form: TextingForm, hours: Business, staff: Iterable[str]) -> Policy:
    """What holds for every text, from the form of the section, the business's hours, and its own people."""
    quiet = form.quiet_hours
    return Policy(
        hours=hours,
        quiet=QuietHours.read(quiet.allow, quiet.clock, quiet.states),
        per_person=Limit.read(form.limits.per_person),
        per_prefix=Limit.read(form.limits.per_prefix),
        total=Limit.read(form.limits.total),
        regions=frozenset(form.regions),
        staff=frozenset(staff),
        settle=form.settle,
        max_segments=form.max_segments,
    )
