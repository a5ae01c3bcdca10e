"""Decisions that are passed in to the ledger and taken within its transactions."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")
LASTING: set[type] = set()


def lasting(kind: type[T]) -> type[T]:
    """A frozen dataclass that many decisions hang on: the process of the ledger gets it once, then its number."""
    LASTING.add(kind)
    return kind


class Decider:
    """A decision as a value: all that it hangs on is in it, so that it may be taken in the process of the ledger.

    What it has to tell beside its answer it notes in `notes`, anew for each time that a transaction is tried; whoever
    passed it in finds the notes there once the transaction is over.
    """

    notes: Any = None
