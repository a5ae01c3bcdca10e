"""What a file may say and hardly means: warned of, as it would be seen only by somebody who gets the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.forms import Path as Place
    from relay.settings.yaml_file import Document

_SINGLE = re.compile(r"(?<!\{)\{ *((?:business|call|caller|number|text|now|steps)\.[a-z0-9_.]+) *\}(?!\})")
_CURLED = re.compile(r"[\u201c\u201d\u2018\u2019].*[\u201c\u201d\u2018\u2019]", re.DOTALL)
_NO_SUMMER = {"EST": "America/New_York", "MST": "America/Denver"}
"""Zones whose clocks never change, and the one that is meant by whoever writes them in a place where they do."""


def warn_of_slips(document: Document, rules: Any, business: Any) -> None:
    """Warn of single braces, of quotes of a word processor and of a zone without summer time, each at its place."""
    for place, text in (*_texts(rules, ("rules",)), *_texts(business, ("business",))):
        if single := _SINGLE.search(text):
            document.warn(place, f"`{single[0]}` is sent as it stands; write {{{{ {single[1]} }}}} to fill it in")
        if _CURLED.fullmatch(text):
            document.warn(
                place, f"the curled quotes {text[0]} and {text[-1]} are a part of this text; write straight ones"
            )
    zone = business.get("timezone") if isinstance(business, dict) else None
    if isinstance(zone, str) and zone in _NO_SUMMER:
        document.warn(
            ("business", "timezone"),
            f"{zone} has no summer time: from March to November all hours would be one off; "
            f"write {_NO_SUMMER[zone]}, or a place whose clocks never change",
        )


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every text of a section with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*place, index))
    elif isinstance(value, str):
        yield place, value
