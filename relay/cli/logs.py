"""What a log line may hold: one line, no characters that a terminal obeys, and no telephone number in full."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import structlog

from relay.phone import masked

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import TextIO

    from structlog.typing import ExcInfo

# C0 but for tab and line feed, DEL, C1, and what parts lines or turns writing around.
_OBEYED = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_IN_TEXT = re.compile(f"[\t\n{_OBEYED}]")
_IN_TRACES = re.compile(f"[{_OBEYED}]")


def on_one_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A line's texts with everything in them that a terminal, or a reader of lines, would obey."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = _IN_TEXT.sub(_spelt, value)
    return event


def without_numbers(_logger: Any, _method: str, line: Any) -> str:
    """The line as it is written, every telephone number in it cut to its last four digits."""
    return masked(str(line))


def trace(out: TextIO, error: ExcInfo) -> None:
    """A trace without the values of variables, and without what a terminal obeys."""
    plain = StringIO()
    structlog.dev.plain_traceback(plain, error)
    out.write(_IN_TRACES.sub(_spelt, plain.getvalue()))


def _spelt(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()
