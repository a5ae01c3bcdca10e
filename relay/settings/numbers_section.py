"""The sections `regroup` and `groups`: brakes and declared groups, and what fights over a number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import Field as Key
from pydantic import field_validator

from relay import phone
from relay.forms import read_form
from relay.models import Form, Seconds, seconds
from relay.numbers import Brakes, Declared, comes_in_at, fights, read_groups
from relay.settings.lists_section import is_no_number

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relay.rules import Rule
    from relay.settings.yaml_file import Document


class RegroupForm(Form):
    """The section `regroup`."""

    max_changes: int = Key(default=10, ge=0)
    min_history: str = "window"
    stay: Seconds = 7 * 86400.0
    never: list[str] = []
    enforce: bool = False
    check_against_api: bool = False

    @field_validator("min_history")
    @classmethod
    def _sound(cls, written: str) -> str:
        if written not in {"window", "none"}:
            try:
                seconds(written)
            except ValueError:
                raise ValueError(f"`{written}` is neither `window`, nor `none`, nor a span like 30d") from None
        return written

    @property
    def history(self) -> float | None:
        """Seconds of calls that must be known; None for as many as are counted over."""
        if self.min_history == "window":
            return None
        return 0.0 if self.min_history == "none" else seconds(self.min_history)


@dataclass(frozen=True, slots=True)
class Regrouping:
    """What the file says of numbers and their groups."""

    brakes: Brakes = field(default_factory=Brakes)
    groups: tuple[Declared, ...] = ()
    min_history: float | None = None


def read_regrouping(
    document: Document, tree: Mapping[str, Any], lists: Mapping[str, Collection[str]], actions: Mapping[str, type[Form]]
) -> Regrouping:
    """Both sections; mistakes are told to the document."""
    form = read_form(RegroupForm, tree.get("regroup"), ("regroup",), document.complain) or RegroupForm()
    groups = read_groups(tree.get("groups"), document.complain, lists, actions)
    never: set[str] = set()
    for index, entry in enumerate(form.never):
        if is_no_number(entry) and entry not in lists:
            place = ("regroup", "never", index)
            document.complain(place, f"`{entry}` is no telephone number; write it as +13125550101")
        never |= {phone.normalise(one) or one for one in lists.get(entry, (entry,))}
    brakes = Brakes(form.max_changes, form.stay, frozenset(never), form.enforce, form.check_against_api)
    return Regrouping(brakes, groups, form.history)


def warn_of_low_doors(document: Document, groups: Sequence[Declared]) -> None:
    """A warning for every figure that a number leaves below although it comes in at less: it keeps nothing there."""
    for index, group in enumerate(groups):
        for name, least in group.leave_below.items():
            at = comes_in_at(group, name)
            if at is not None and least > at:
                document.warn(
                    ("groups", index, "leave_below", name),
                    f"a number comes into `{group.name}` at {at:g}, and {least:g} lies above that, so this keeps none "
                    f"there; write less than {at:g}",
                )


def warn_of_fights(document: Document, rules: Sequence[Rule], groups: Sequence[Declared], written: Any) -> None:
    """A warning for every two that would move a number to and fro, where the first of them stands."""
    entries = written if isinstance(written, list) else []
    places = {
        str(entry["name"]): ("rules", index)
        for index, entry in enumerate(entries)
        if isinstance(entry, dict) and "name" in entry
    }
    for fight in fights(rules, groups):
        document.warn(
            places.get(fight.rule, ("rules",)),
            f"`{fight.first}` and {_quoted(fight.second)} fight over a number (with {fight.over}): "
            "each moves it out of the other's group; it is left alone once it has gone to and fro three times in a day",
        )


def _quoted(name: str) -> str:
    return name if name.startswith("the ") else f"`{name}`"
