"""Telephone numbers hidden from those who may only look: the last four digits stay."""

from __future__ import annotations

from typing import Any

from relay.phone import masked


def masked_json(value: Any) -> Any:
    """The same for a JSON value: its texts, and the names in its objects."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked(key): masked_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked_json(inner) for inner in value]
    return value
