"""When more waits than one relay gets through: then others are called to help, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.ticks import elapsed

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 1.0
"""Seconds for which work may be more than is got through before others are called, and between two such calls."""


class Behind:
    """Whether this relay is behind with its work; `ticks` are seconds of a clock that nobody sets."""

    def __init__(self, call: Callable[[], None], ticks: Callable[[], float] = elapsed) -> None:
        """`call` is called when others should help, once a second for as long as that is so."""
        self._call = call
        self._ticks = ticks
        self._since: float | None = None

    @property
    def left(self) -> float | None:
        """Seconds until others are to be called; None while nothing waits."""
        return None if self._since is None else max(0.0, self._since + PATIENCE - self._ticks())

    def waits(self) -> None:
        """Something was left that could not be done at once."""
        if self._since is None:
            self._since = self._ticks()
        elif self.left == 0.0:
            self._since = self._ticks()
            self._call()

    def through(self) -> None:
        """Nothing was left."""
        self._since = None
