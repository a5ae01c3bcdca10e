"""Senders that the phone system does not let text for now: what it said, and when one text may ask again.

A block is remembered in memory only: after a restart one text asks again, and is held again.
"""

from __future__ import annotations

PROBE = 300.0
"""Seconds after which one text asks whether a block is over."""
ACCOUNT = None
"""Stands for every sender: the balance is too low."""


class Blocks:
    """What stands in the way of each sender, E.164, or of all of them."""

    def __init__(self) -> None:
        self._until: dict[str | None, tuple[float, str]] = {}

    def hold(self, sender: str | None, why: str, *, now: float) -> None:
        """The phone system has just said no."""
        self._until[sender] = (now + PROBE, why)

    def clear(self, sender: str | None) -> None:
        """A text of this sender has just gone out."""
        self._until.pop(sender, None)
        self._until.pop(ACCOUNT, None)

    def why(self, sender: str | None, now: float) -> str | None:
        """Why a text from there would not go out now; None when it may, or when it is time to ask again."""
        for who in (sender, ACCOUNT):
            until, why = self._until.get(who, (now, ""))
            if now < until <= now + PROBE:
                return why
        return None
