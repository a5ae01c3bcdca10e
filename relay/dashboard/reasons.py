"""Why something was not done, as one would tell a colleague; the exact words stand on the call's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.models import Finding, Verdict

_BY_FINDING: Mapping[str, Callable[[str], str]] = {
    "guard cooldown": lambda found: f"already texted {found.removeprefix('last: ').partition(' by ')[0]}",
    "guard fresh": lambda found: f"the call was {found} old when it came in" if found[:1].isdigit() else found,
    "guard hours": lambda _: "outside of business hours",
    "guard opt-out": lambda _: "this person asked not to be texted",
    "guard once": lambda _: "this rule ran for it before",
    "guard number": lambda found: found,
    "guard quiet hours": lambda _: "quiet hours where they live",
    "guard per_person": lambda _: "enough texts to this person for now",
    "guard per_prefix": lambda _: "enough texts to this area for now",
    "guard total": lambda _: "the limit of all texts is reached",
    "guard texts": lambda found: f"texts are {found}",
    "guard sender": lambda found: f"our number cannot text: {found}",
    "call.spam": lambda found: f"spam is {found}",
    "call.direction": lambda found: f"the call was {found}",
    "call.is_test": lambda _: "only a test",
    "call.ai_category": lambda found: f"the AI calls it {found.replace('_', ' ')}",
    "caller.line": lambda found: f"a {found.replace('_', ' ')} number",
    "caller.number": lambda found: "the number is withheld" if found == "missing" else found,
}
_BY_START = {
    "cancel_if: caller.answered_since": "they were answered meanwhile",
    "opted out": "this person asked not to be texted",
    "mode: the rule is": "the rule was switched meanwhile",
    "limit:": "enough texts to this person for now",
}


def why_not(verdict: Verdict) -> str:
    """Why a rule did not run, in a few plain words; its own words where there are none plainer."""
    finding = next((one for one in verdict.findings if not one.held), None)
    if finding is None or not _is_about(finding, verdict.why):
        return plainly(verdict.why)
    return _BY_FINDING[finding.name](finding.found)


def plainly(reason: str) -> str:
    """A delivery's reason in plain words, where there are any."""
    return next((plain for start, plain in _BY_START.items() if reason.startswith(start)), reason)


def _is_about(finding: Finding, why: str) -> bool:
    """Whether this finding is what stopped the rule: its words begin with the name."""
    return finding.name in _BY_FINDING and why.startswith(finding.name.removeprefix("guard ").split("_")[0])
