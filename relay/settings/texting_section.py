"""The section `texting`: what holds for every text that any rule sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.hours import QuietHours
from relay.texting import Limit, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.hours import Business
    from relay.settings.yaml_file import Document
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


def warn_of_nobody(document: Document, policy: Policy) -> None:
    """A warning for every limit that lets nothing through."""
    limits = {"per_person": policy.per_person, "per_prefix": policy.per_prefix, "total": policy.total}
    for name, limit in limits.items():
        if limit.most == 0:
            document.warn(
                ("texting", "limits", name),
                "a limit of 0 lets no text through, so nobody is ever texted; `none` lifts a limit, and `mode: shadow` "
                "or `relay texts off` says that nothing is to be sent",
            )
