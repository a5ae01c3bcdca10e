"""The values that templates handle: plain data, and the lack of it."""

from __future__ import annotations

from typing import Any

from jinja2 import Undefined

from relay.errors import Blank, TemplateError

JOINT = "\u01c0"
"""Joins a dotted name into one identifier while Jinja compiles it; a letter to Python, refused in templates."""
_WHOLE_MOST = 10**15


class Missing(Undefined):
    """A name without a value: false in a test, equal to nothing, and `Blank` when used for anything else."""

    def __init__(self, hint: str | None = None, obj: Any = None, name: str | None = None, exc: Any = None) -> None:  # noqa: ARG002 - Jinja's own signature
        super().__init__(name=name)
        self.path = (name or "a value").replace(JOINT, ".")

    def _fail_with_undefined_error(self, *_: Any, **__: Any) -> Any:
        raise Blank(f"{self.path} has no value")

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return id(self)

    __str__ = __len__ = __iter__ = __contains__ = _fail_with_undefined_error
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = _fail_with_undefined_error


def plain(value: Any) -> str:
    """A plain value as people read it: true, 42 (not 42.0), a list joined by commas.

    Raises:
        TemplateError: for anything that is no text, number, truth value or list of those.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - only NaN differs from itself
            raise Blank("a number has no value")
        return f"{value:.0f}" if value.is_integer() and abs(value) < _WHOLE_MOST else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value if item is not None)
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, dict):
        raise TemplateError("a group of fields cannot be put into text; name one of its fields")
    raise TemplateError("only text, numbers, true or false and lists can be put into text")
