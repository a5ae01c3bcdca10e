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


def identity(body: Any, path: str) -> str | int | None:
    """The id at a path as it stands there, None when there is none."""
    found = at(body, path)
    return found if isinstance(found, (str, int)) and not isinstance(found, bool) and found != "" else None


def others(body: Any, path: str) -> list[str | int]:
    """The ids beside the one at a path that counts (items.0.id): those of the rest of the list."""
    steps = path.split(".")
    count = next((place for place, step in enumerate(steps) if step.isdecimal()), None)
    listed = None if count is None else at(body, ".".join(steps[:count])) if count else body
    if count is None or not isinstance(listed, list):
        return []
    beneath, first = ".".join(steps[count + 1 :]), int(steps[count])
    found = [identity(item, beneath) if beneath else item for item in listed[first + 1 :]]
    return [each for each in found if each is not None]


def record(body: Any, path: str, where: str | None = None) -> dict[str, Any]:
    """What the CRM knows of the contact: the mapping at `where`, or else the one that holds the id at `path`."""
    above = path.rpartition(".")[0] if where is None else where
    found = at(body, above) if above else body
    return found if isinstance(found, dict) else {}


def _step(here: Any, step: str) -> Any:
    if isinstance(here, list):
        return here[int(step)] if step.isdecimal() and int(step) < len(here) else None
    if isinstance(here, dict):
        return here.get(step, _ABSENT)
    return None if here is None else _ABSENT
