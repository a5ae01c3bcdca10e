"""Pauses between steps: how long, until when, and what calls off the steps below."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.forms import Complain, Path, unknown
from relay.models import seconds
from relay.rules.conditions import ALWAYS, Condition
from relay.rules.wording import read_condition

if TYPE_CHECKING:
    from relay.hours import Business


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause: `span` seconds, or until a time of day on the business's clock, `days` from now."""

    index: int
    span: float | None
    until: str | None = None
    days: int = 0
    cancel_if: Condition = ALWAYS
    cancels: bool = False

    def after(self, at: float, hours: Business) -> float:
        """When a wait that begins at Unix second `at` is over."""
        if self.span is not None:
            return at + self.span
        today, clock = hours.local(at).date(), self.until or "00:00"
        moment = hours.at(today + dt.timedelta(days=self.days), clock)
        if moment <= at and self.days == 0:
            return hours.at(today + dt.timedelta(days=1), clock)
        return moment


def read_wait(
    index: int,
    target: Any,
    rest: Mapping[str, Any],
    path: Path,
    complain: Complain,
    lists: Mapping[str, Collection[str]],
) -> Wait:
    """A `wait` step; mistakes are told to `complain`."""
    for key in rest:
        if key == "if":
            complain((*path, key), "a wait has no `if`; write it on the steps below, or `cancel_if` here")
        elif key != "cancel_if":
            complain((*path, key), unknown(key, ["cancel_if"]))
    cancel_if: Condition = ALWAYS
    if "cancel_if" in rest:
        cancel_if = read_condition(rest["cancel_if"], (*path, "cancel_if"), complain, lists)
    span: float | None = None
    until, days = None, 0
    try:
        if isinstance(target, Mapping):
            until, days = _until(target, path, complain)
        else:
            span = seconds(target)
    except ValueError as error:
        complain((*path, "wait"), str(error))
    return Wait(index, span, until, days, cancel_if, "cancel_if" in rest)


def _until(target: Mapping[str, Any], path: Path, complain: Complain) -> tuple[str, int]:
    for key in target:
        if key not in {"until", "days"}:
            complain((*path, "wait", key), unknown(key, ["until", "days"]))
    until, days = str(target.get("until", "")), str(target.get("days", "0"))
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", until, re.ASCII):
        raise ValueError(f"`{until}` is no time of day; write {{until: 10:00, days: 1}}")
    if not re.fullmatch(r"\d{1,3}", days, re.ASCII):
        raise ValueError(f"`{days}` is no number of days; write 0 to 999")
    return until, int(days)
