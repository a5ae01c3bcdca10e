"""Telephone numbers hidden from those who may only look: the last four digits stay."""

from __future__ import annotations

import re
from typing import Any

from relay import phone

_NUMBER = re.compile(
    r"(?:(?<![\w.-])\+?|%2B)[1-9][0-9]{9,14}(?![\w-])|\(\d{3}\) \d{3}-\d{4}|(?<!\d)\d{3}[-. ]\d{3}[-. ]\d{4}(?!\d)"
)


def masked(text: str) -> str:
    """The text with every telephone number in it masked."""
    return _NUMBER.sub(lambda found: phone.mask(found[0]), text)


def masked_json(value: Any) -> Any:
    """The same for a JSON value: its texts, and the names in its objects."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked(key): masked_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked_json(inner) for inner in value]
    return value
