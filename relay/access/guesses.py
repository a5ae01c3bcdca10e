"""Wrong tokens, counted by the address they come from: five a minute, then silence that doubles."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from relay.peers import origin

_FREE = 5
_WINDOW = 60.0
_LONGEST = 3600.0
_MOST = 10_000
"""Addresses remembered; the one silent for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class _Guesser:
    since: float
    wrong: int = 0
    silences: int = 0
    until: float = 0.0


class Guesses:
    """Says who has guessed too often; moments are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._guessers: OrderedDict[str, _Guesser] = OrderedDict()

    def silent_for(self, address: str, now: float) -> float:
        """Seconds for which nothing this address sends is looked at; 0 when it may try."""
        known = self._guessers.get(origin(address))
        return 0.0 if known is None else max(0.0, known.until - now)

    def wrong(self, address: str, now: float) -> None:
        """Count one."""
        address = origin(address)
        known = self._guessers.pop(address, _Guesser(now))
        if now - known.since > _WINDOW and now >= known.until:
            known = replace(known, since=now, wrong=0, silences=known.silences if now - known.until < _LONGEST else 0)
        known = replace(known, wrong=known.wrong + 1)
        if known.wrong >= _FREE:
            silence = min(_WINDOW * 2**known.silences, _LONGEST)
            known = replace(known, wrong=0, since=now + silence, silences=known.silences + 1, until=now + silence)
        self._guessers[address] = known
        if len(self._guessers) > _MOST:
            self._guessers.popitem(last=False)

    def right(self, address: str) -> None:
        """Whoever knows a token is no guesser."""
        self._guessers.pop(origin(address), None)
