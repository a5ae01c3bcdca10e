"""Signed-in browsers: an id that only the browser has, kept here as its digest, for half a day at most."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.access.visitor import Role, Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE = 30 * 60.0
"""Seconds after which a browser that asked nothing must sign in again."""
MOST = 12 * 3600.0
"""Seconds after which every browser must."""
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class _Session:
    role: Role
    csrf: str
    began_at: float
    seen_at: float


class Sessions:
    """Kept in memory: a restart signs everybody out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells Unix seconds."""
        self._clock = clock
        self._kept: dict[bytes, _Session] = {}

    def open(self, role: Role) -> str:
        """Begin a session under an id that nobody ever had."""
        now = self._clock()
        name = secrets.token_urlsafe(32)
        self._kept = {key: one for key, one in self._kept.items() if _lives(one, now)}
        while len(self._kept) >= _KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[_digest(name)] = _Session(role, secrets.token_urlsafe(32), now, now)
        return name

    def find(self, name: str, *, live: bool = False) -> Visitor | None:
        """Whose session this is; None when it is over. A `live` stream asks without being a sign of life."""
        key, now = _digest(name), self._clock()
        found = self._kept.get(key)
        if found is None or not _lives(found, now):
            self._kept.pop(key, None)
            return None
        if not live:
            self._kept[key] = replace(found, seen_at=now)
        return Visitor(found.role, f"{found.role} token, signed in", found.csrf, session=True)

    def close(self, name: str) -> None:
        """End a session."""
        self._kept.pop(_digest(name), None)


def _lives(session: _Session, now: float) -> bool:
    return now - session.seen_at < IDLE and now - session.began_at < MOST


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
