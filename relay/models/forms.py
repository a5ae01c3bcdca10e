"""What people write: forms whose unknown keys are refused, secrets that print as asterisks, and spans of time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo

Secret = SecretStr
"""Text that prints as asterisks; `.get_secret_value()` where it is used."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WORDS = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("week", "weeks"), "w"),
}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?([A-Za-z]+)", re.ASCII)
_COUNT = re.compile(r"\d{1,7}", re.ASCII)
_SPAN = re.compile(rf"{_PART.pattern}(?: ?{_PART.pattern})*", re.ASCII)


def seconds(text: Any) -> float:
    """A span of time as people write it (90s, 15m, 24h, 3d, 1w, 1h30m, or 2 minutes) in seconds.

    A number is taken as seconds: only code has one, as in a file each scalar is text.

    Raises:
        ValueError: for any other text; one without a unit is refused, 0 excepted.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return float(text)
    written = str(text).strip()
    if written == "0":
        return 0.0
    parts = [(number, _unit(word)) for number, word in _PART.findall(written)]
    if not _SPAN.fullmatch(written) or any(unit is None for _, unit in parts):
        raise ValueError(f"{written!r} is no span of time; write a number and a unit, like 90s, 15m, 24h or 3d")
    return sum(float(number) * _UNITS[unit] for number, unit in parts if unit is not None)


def per(text: str) -> tuple[int, float]:
    """How many in how many seconds, from 1/s, 2/day, 5/12h or 30 / hour.

    Raises:
        ValueError: it is something else.
    """
    count, _, span = (part.strip() for part in text.partition("/"))
    if not _COUNT.fullmatch(count):
        raise ValueError(f"{text!r} does not begin with how many")
    return int(count), seconds(f"1{span}" if span[:1].isalpha() else span)


def _unit(word: str) -> str | None:
    """The letter of a unit; single letters count as they are, as M could mean a month."""
    return word if word in _UNITS else _WORDS.get(word.casefold())


Seconds = Annotated[float, BeforeValidator(seconds)]
"""A span of time in a form: written as 15m, kept as seconds."""


def _beside(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path


LocalPath = Annotated[Path, AfterValidator(_beside)]
"""A file on this machine; a relative one is beside relay.yaml, wherever the relay was started."""


class Form(BaseModel):
    """What people write: unknown keys are refused, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False, hide_input_in_errors=True)

    @classmethod
    def as_written(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """A step's fields as people wrote them, templates unfilled; a form may add what only shows there."""
        return fields


class SendText(Form):
    """A text, ready to go: the action of a `text` step."""

    do: Literal["text"] = "text"
    to: str
    """E.164."""
    sender: str
    """The business's number it goes out from, E.164."""
    body: str


class Regroup(Form):
    """A number's move into a group: the action of a `regroup` step."""

    do: Literal["regroup"] = "regroup"
    number: str
    """E.164."""
    to: str
    """The group's name."""
    create: bool = False
    expected: list[str] | None = None
    """The groups it was in when this was decided; None where that was not known. Found elsewhere, it is left there."""


class UpdateNumber(Form):
    """A number renamed or given another call flow: the action of an `update_number` step."""

    do: Literal["update_number"] = "update_number"
    number: str
    """E.164."""
    friendly_name: str | None = None
    call_flow: str | None = None


class GroupBefore(Form):
    """A group that a number was in before it was moved."""

    id: str
    name: str | None = None


class Restore(Form):
    """A number put back as it was before a change: the action of `relay numbers undo`."""

    do: Literal["restore"] = "restore"
    number: str
    """E.164."""
    groups: list[GroupBefore] | None = None
    """Exactly the groups it was in; None where the change did not touch them."""
    left: list[str] = []
    """Names of the groups that the change left it in; found in another, it is left there."""
    friendly_name: str | None = None
    call_flow_id: str | None = None


PhoneAction = SendText | Regroup | UpdateNumber | Restore
CALLSCALER = "callscaler"
"""The reserved name of the connector that speaks to the phone system."""
