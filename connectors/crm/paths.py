"""Finding a value in an answer by a path like `items.0.id`."""

from __future__ import annotations

from typing import Any

from relay.errors import Invalid
from relay.http import GRACE

_ABSENT = object()
"""Not told at all, as against told to be null."""


def at(body: Any, path: str) -> Any:
    """The value at a path; None when it is not there.

    Raises:
        Invalid: where the path counts (items.0), the answer holds no list: taking that for "nobody found" would make a
            new contact for every call.
    """
    here = body
    for place, step in enumerate(path.split(".")):
        if step.isdecimal() and here is not None and not isinstance(here, list):
            where = ".".join(path.split(".")[:place]) or "its top"
            raise Invalid(f"the answer holds no list at {where}, where {path!r} looks for one", grace=GRACE)
        here = _step(here, step)
    return None if here is _ABSENT else here


def identity(body: Any, path: str) -> str | None:
    """The id at a path as text; None when there is none."""
    found = at(body, path)
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) and found != "" else None


def record(body: Any, path: str) -> dict[str, Any]:
    """The mapping that holds the id: what the CRM knows of the contact."""
    above = path.rpartition(".")[0]
    found = at(body, above) if above else body
    return found if isinstance(found, dict) else {}


def _step(here: Any, step: str) -> Any:
    if isinstance(here, list):
        return here[int(step)] if step.isdecimal() and int(step) < len(here) else None
    if isinstance(here, dict):
        return here.get(step, _ABSENT)
    return None if here is None else _ABSENT
