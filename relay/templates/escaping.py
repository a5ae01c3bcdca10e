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
    """How values are made inert in one kind of field.

    Its functions have names of their own, as rules are carried to the process that holds the ledger.
    """

    name: str
    escape: Callable[[str], str]
    choose: Callable[[Mapping[str, Any]], Escaping] | None = None
    """For a field whose escaping hangs on its neighbours: given the step's fields as written, answers the real one."""


def _part_of_url(value: str) -> str:
    if value in {".", ".."}:
        raise TemplateError("a value of only dots cannot be part of an address: it would name another place")
    return quote(value, safe="", errors="replace")


def _as_it_is(value: str) -> str:
    return value


def _without_controls(value: str) -> str:
    return _CONTROLS.sub("", value)


def _as_html(value: str) -> str:
    return html.escape(value, quote=True)


PLAIN = Escaping("plain", _as_it_is)
URL_PART = Escaping("part of a URL", _part_of_url)
HEADER = Escaping("header", _without_controls)
HTML = Escaping("HTML", _as_html)
