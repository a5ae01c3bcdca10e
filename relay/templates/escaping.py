"""What is done to a value so that it is inert where it is put."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from relay.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# C0, DEL and C1 end or split a header; the two separators do so in some receivers' logs.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Safe(str):
    """Text that passes escaping untouched, because it is already inert everywhere or was escaped on the way."""

    __slots__ = ()


@dataclass(frozen=True)
class Escaping:
    """How values are made inert in one kind of field."""

    name: str
    escape: Callable[[str], str]
    choose: Callable[[Mapping[str, Any]], Escaping] | None = None
    """For a field whose escaping hangs on its neighbours: given the step's fields as written, answers the real one."""


def _part_of_url(value: str) -> str:
    if value in {".", ".."}:
        raise TemplateError("a value of only dots cannot be part of an address: it would name another place")
    return quote(value, safe="", errors="replace")


PLAIN = Escaping("plain", lambda value: value)
URL_PART = Escaping("part of a URL", _part_of_url)
HEADER = Escaping("header", lambda value: _CONTROLS.sub("", value))
HTML = Escaping("HTML", lambda value: html.escape(value, quote=True))
