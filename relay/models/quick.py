"""Values that are made by the thousand: frozen in the eyes of the type checker, and quick to make."""

from __future__ import annotations

from copy import copy
from dataclasses import fields, make_dataclass
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


def quick(kind: type[T]) -> type[T]:
    """A frozen dataclass whose instances take a quarter of the time to make.

    At run time nothing refuses a change any more: that is what costs, as every field has to go around the refusal.
    The type checker refuses it as before. They are carried to another process by their fields, in order, in half of the
    time that their dictionaries would take.
    """
    twin = make_dataclass(kind.__name__, [(each.name, Any, copy(each)) for each in fields(kind)])  # type: ignore[arg-type]
    kind.__init__ = twin.__init__  # type: ignore[method-assign, misc]
    for refusal in ("__setattr__", "__delattr__"):
        delattr(kind, refusal)
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    got = attrgetter(*names)
    parts = got if len(names) > 1 else lambda value: (got(value),)

    def made_of(value: T) -> tuple[type[T], tuple[Any, ...]]:
        return type(value), parts(value)

    kind.__reduce__ = made_of  # type: ignore[method-assign, assignment]
    return kind
