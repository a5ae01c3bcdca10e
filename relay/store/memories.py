"""What connectors remember from one delivery to the next: which message over there is about this call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class Memory:
    """Something to remember under a connector's name and a key of its choosing; `at` in Unix seconds."""

    connector: str
    key: str
    value: Mapping[str, Any]
    """JSON, small."""
    at: float


class Memories(Protocol):
    """The part of a ledger that remembers for connectors; written by `settle`, with the delivery that says so."""

    async def memories(self, connector: str, keys: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """What is remembered under these keys, by key; a key that is not there is not known."""
