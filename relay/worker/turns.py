"""Who looks first at what falls due: the relay that last had to do with it, and the others a little later.

What is to be done at a moment is known to every relay. If all looked at that moment, each would ask for what one takes.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HANG_BACK = 0.5
"""Seconds at most by which what another relay is likelier to do is looked at later."""


class Turns:
    """When this relay looks."""

    def __init__(self, other_hands: Callable[[], int], dice: Callable[[], float] = random.random) -> None:
        """`other_hands` counts the other relays that work on the same ledger."""
        self._other_hands = other_hands
        self._dice = dice
        self._expected: float | None = None
        """The next moment, as it stood when this relay last had something to do."""

    def at(self, moment: float | None, *, busy: bool) -> float | None:
        """When to look for what falls due at that moment; `busy`, this relay was called or found something just now."""
        if busy:
            self._expected = moment
        if moment is None or moment == self._expected or not self._other_hands():
            return moment
        return moment + HANG_BACK * (1 + self._dice()) / 2
