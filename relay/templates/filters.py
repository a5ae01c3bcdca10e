"""The filters that a template may use; all are pure, bounded, and ours.

A filter that answers None has found nothing: `default` works on it, and without one the step is Blank.
"""

from __future__ import annotations

import functools
import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Undefined

from relay.errors import RelayError, TemplateError
from relay.templates.escaping import Safe
from relay.templates.slips import unfit
from relay.templates.values import Missing, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST = 1024 * 1024
"""Characters that any filter may answer with."""
_WORD = re.compile(r"[^\s({\[<-]+")
_DIGITS_MOST = 15


def _text(value: Any) -> str:
    return value if isinstance(value, str) else plain(value)


def _default(value: Any, fallback: Any = "", boolean: Any = False) -> Any:  # noqa: FBT002 - Jinja's own signature
    return fallback if isinstance(value, Undefined) or (boolean and not value) else value


def _capitalize(word: str) -> str:
    return word[:1].upper() + word[1:].lower()


def _title(value: Any) -> str:
    return _WORD.sub(lambda word: _capitalize(word[0]), _text(value))


def _truncate(value: Any, length: Any = 255, killwords: Any = False, end: Any = "...") -> str:  # noqa: FBT002 - Jinja's own signature
    """At most `length` characters, the end sign included; cuts between words unless `killwords`."""
    text, room = _text(value), int(length) - len(_text(end))
    if len(text) <= int(length):
        return text
    if room < 0:
        raise ValueError("truncate needs a length of at least that of its end sign")
    cut = text[:room]
    return (cut if killwords or text[room].isspace() else cut.rsplit(" ", 1)[0]).rstrip() + _text(end)


def _replace(value: Any, old: Any, new: Any) -> str:
    text, sought, put = _text(value), _text(old), _text(new)
    if not sought:
        raise ValueError("replace needs something to look for")
    if len(text) + text.count(sought) * len(put) > MOST:
        raise ValueError("the text would become too long")
    return text.replace(sought, put)


def _join(value: Any, between: Any = "") -> str:
    items, sign = [plain(item) for item in _many(value) if item is not None], _text(between)
    if sum(map(len, items)) + len(items) * len(sign) > MOST:
        raise ValueError("the text would become too long")
    return sign.join(items)


def _many(value: Any) -> Sequence[Any]:
    if isinstance(value, (str, list, tuple)):
        return value
    raise ValueError("it is no list")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, dict) else len(_many(value))


def _first(value: Any) -> Any:
    return _many(value)[0] if value else None


def _last(value: Any) -> Any:
    return _many(value)[-1] if value else None


def _round(value: Any, digits: Any = 0) -> float:
    return round(float(value), max(-_DIGITS_MOST, min(int(digits), _DIGITS_MOST)))


def _times(value: Any, factor: Any) -> float | int:
    """A number so many times: seconds | times(1000) are milliseconds."""
    return _number(value) * _number(factor)


def _number(value: Any) -> float | int:
    return value if isinstance(value, (int, float)) else float(_text(value))


def _int(value: Any, fallback: Any = None) -> Any:
    """The whole number, or `fallback`; unlike Jinja's own, unreadable text is no value instead of 0."""
    try:
        return int(float(value)) if not isinstance(value, int) else int(value)
    except (ValueError, TypeError, OverflowError):
        return fallback


def _urlencode(value: Any) -> Safe:
    return Safe(quote(_text(value), safe="", errors="replace"))


FILTERS: dict[str, Callable[..., Any]] = {}
"""Every filter by its name, each called as (what it is for in words, value, *arguments)."""


def register_filter(name: str, function: Callable[..., Any]) -> None:
    """Let templates use `value | name(arguments)`; done at import, before templates are compiled.

    The function gets the value and the arguments, never a missing one, and answers a plain value or None for nothing.

    Raises:
        ValueError: the name is taken by another function.
    """
    taken = FILTERS.get(name)
    if taken is not None and getattr(taken, "__wrapped__", None) is not function:
        raise ValueError(f"there is already a filter {name}")
    FILTERS[name] = _guarded(function)


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(words: str, value: Any, *arguments: Any, **named: Any) -> Any:
        if function is not _default:
            for given in (value, *arguments, *named.values()):
                if isinstance(given, Undefined):
                    str(given)
        try:
            found = function(value, *arguments, **named)
        except RelayError:
            raise
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            raise TemplateError(f"{words}: {unfit(error)}") from error
        if isinstance(found, str) and len(found) > MOST:
            raise TemplateError(f"{words}: the text would become too long")
        return Missing(name=words) if found is None else found

    return guarded


_OWN: Mapping[str, Callable[..., Any]] = {
    "default": _default,
    "d": _default,
    "upper": lambda value: _text(value).upper(),
    "lower": lambda value: _text(value).lower(),
    "title": _title,
    "capitalize": lambda value: _capitalize(_text(value)),
    "trim": lambda value: _text(value).strip(),
    "truncate": _truncate,
    "replace": _replace,
    "join": _join,
    "first": _first,
    "last": _last,
    "length": _length,
    "round": _round,
    "times": _times,
    "int": _int,
    "urlencode": _urlencode,
    "escape": lambda value: Safe(html.escape(_text(value), quote=True)),
}
for _name, _function in _OWN.items():
    register_filter(_name, _function)
