"""Groups as they are declared: conditions over what is known of a number, of which the first that fits wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import Field as Key

from relay.forms import Complain, read_form, unknown
from relay.models import Form
from relay.rules import (
    ALWAYS,
    FIELDS,
    All,
    Approval,
    Kind,
    Test,
    fields_in,
    read_approval,
    read_condition,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from relay.rules import Condition, Facts

_ABOUT = ("number", "business", "now")
"""What a group's conditions may speak of: no call, and so no caller."""


class GroupForm(Form):
    """One of the section `groups`."""

    name: str = Key(min_length=1, max_length=100)
    if_: Any = Key(default=None, alias="if")
    leave_below: Any = None
    default: bool = False
    approve: Any = None


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared group."""

    name: str
    condition: Condition = ALWAYS
    leave_below: Mapping[str, float] = field(default_factory=dict)
    """Figures at which a number that is in the group stays, whatever the condition says of it."""
    default: bool = False
    approval: Approval | None = None
    window: float = 0.0
    """Seconds of calls that it counts over; 0 when it counts none."""

    def fits(self, facts: Facts) -> bool:
        """Whether a number belongs here."""
        if self.condition.judge(facts.look):
            return True
        return bool(self.leave_below) and facts.look("number.group") == self.name and self.keeps(facts)

    def keeps(self, facts: Facts) -> bool:
        """Whether a number that is here is not below what it would leave at."""
        found = [(facts.look(name), least) for name, least in self.leave_below.items()]
        return all(value is not None and value >= least for value, least in found)

    def why(self, facts: Facts, others: Sequence[Declared] = ()) -> str:
        """Why a number belongs here, with its figures; of the default, those that `others` did not want."""
        if self.default:
            names = sorted({name for group in others for name in fields_in(group.condition)} - {"number.group"})
            said = ", ".join(f"{name} is {say(facts.look(name))}" for name in names)
            return f"it fits no other group ({said or 'there is none'}), and {self.name} is the default"
        if self.condition.judge(facts.look):
            return "; ".join(f"{f.name} is {f.found}" for f in self.condition.findings(facts.look))
        return "; ".join(
            f"{name} is {facts.look(name)}, not below {least:g}" for name, least in self.leave_below.items()
        )


def comes_in_at(group: Declared, name: str) -> float | None:
    """The least of a figure at which a number comes into a group; None where its condition names none."""
    parts = [group.condition]
    found = []
    while parts:
        part = parts.pop()
        if isinstance(part, All):
            parts += part.parts
        elif isinstance(part, Test) and part.name == name and part.word in {"at_least", "above"}:
            found.append(float(part.wanted))
    return max(found, default=None)


def choose(groups: Sequence[Declared], facts: Facts) -> tuple[Declared, float] | None:
    """The group that a number belongs in, and the longest time that the choice counts calls over, in seconds.

    None where it fits none, and none is the default.
    """
    window = 0.0
    for group in groups:
        if group.default:
            continue
        window = max(window, group.window)
        if group.fits(facts):
            return group, window
    default = next((group for group in groups if group.default), None)
    return None if default is None else (default, window)


def read_groups(
    written: Any, complain: Complain, lists: Mapping[str, Collection[str]], actions: Mapping[str, type[Form]]
) -> tuple[Declared, ...]:
    """The section `groups`; every mistake is told to `complain`."""
    if written is None:
        return ()
    if not isinstance(written, list):
        complain(("groups",), "groups is a list of groups, each with a name")
        return ()
    found: list[Declared] = []
    for index, entry in enumerate(written):
        place = ("groups", index)
        form = read_form(GroupForm, entry, place, complain)
        if form is None:
            continue
        if form.name in [group.name for group in found]:
            complain((*place, "name"), f"another group is already called {form.name}")
        if form.default and any(group.default for group in found):
            complain((*place, "default"), "only one group is the default: what fits no other goes there")
        _has_one_reason(form, place, complain)
        condition = ALWAYS if form.if_ is None else read_condition(form.if_, (*place, "if"), complain, lists)
        below = _read_below(form.leave_below, (*place, "leave_below"), complain)
        names = fields_in(condition) | set(below)
        for name in sorted(fields_in(condition)):
            if name.split(".")[0] not in _ABOUT:
                complain((*place, "if"), f"`{name}`: a group is chosen by facts of the number, like number.calls_30d")
        approval = None if form.approve is None else read_approval(form.approve, place, complain, actions)
        window = max((FIELDS[name].window for name in names if name in FIELDS), default=0.0)
        found.append(Declared(form.name, condition, below, form.default, approval, window))
    return tuple(found)


def _has_one_reason(form: GroupForm, place: tuple[str, int], complain: Complain) -> None:
    if form.default and form.if_ is not None:
        complain((*place, "if"), "the default group takes what fits no other, so it has no `if`")
    if form.default and form.leave_below is not None:
        complain((*place, "leave_below"), "the default group takes what fits no other, so nothing keeps a number there")
    if not form.default and form.if_ is None:
        complain(place, f"`{form.name}` needs an `if`, or `default: true`")


def _read_below(written: Any, place: tuple[Any, ...], complain: Complain) -> dict[str, float]:
    if written is None:
        return {}
    if not isinstance(written, Mapping) or not written:
        complain(place, "`leave_below` is a mapping of figures, like {number.calls_7d: 20}")
        return {}
    known = [name for name, known in FIELDS.items() if name.startswith("number.") and known.kind is Kind.NUMBER]
    below: dict[str, float] = {}
    for name, least in written.items():
        if name not in known:
            complain((*place, name), unknown(str(name), known, "figure of a number"))
            continue
        try:
            below[name] = float(least)
        except (TypeError, ValueError):
            complain((*place, name), f"`{least}` is no number")
    return below
