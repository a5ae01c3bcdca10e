"""What can go wrong on request: every way in which an answer can be late, lost, false or missing."""

from __future__ import annotations

import fnmatch
import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from relay.sandbox.refused import Refused

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from relay.sandbox.settings import SandboxSettings


@dataclass(frozen=True, slots=True)
class Fault:
    """Whether the operation is carried out, whether that takes longer, and what the caller gets to see."""

    acts: bool
    late: bool
    answer: Literal["its own", "500", "503", "429", "html", "bad gateway", "empty", "reset", "nothing"]


KINDS: dict[str, Fault] = {
    "slow": Fault(acts=True, late=True, answer="its own"),
    "hang": Fault(acts=False, late=False, answer="nothing"),
    "500": Fault(acts=False, late=False, answer="500"),
    "503": Fault(acts=False, late=False, answer="503"),
    "429": Fault(acts=False, late=False, answer="429"),
    "html": Fault(acts=False, late=False, answer="bad gateway"),
    "empty": Fault(acts=False, late=False, answer="empty"),
    "reset-before": Fault(acts=False, late=False, answer="reset"),
    "reset-after": Fault(acts=True, late=False, answer="reset"),
    "late-reset": Fault(acts=True, late=True, answer="reset"),
    "500-after": Fault(acts=True, late=False, answer="500"),
    "html-after": Fault(acts=True, late=False, answer="html"),
    "hang-after": Fault(acts=True, late=False, answer="nothing"),
}
"""`html` is a proxy's 502 page; `html-after` is a 200 that is no JSON."""
LIST_LAG = "list-lag"
"""Not a fault of one request: lists of messages fall behind by `SandboxSettings.list_lag`, or a second."""
COMMON = ("slow", "500", "503", "html", "reset-before", "reset-after")


@dataclass(slots=True)
class _Once:
    method: str
    path: str
    kind: str
    times: int

    def fits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in {"*", method} and fnmatch.fnmatchcase(path, self.path)


@dataclass(frozen=True, slots=True)
class _Chaos:
    percent: float
    kinds: Mapping[str, float]
    method: str
    path: str

    def fits(self, method: str, path: str) -> bool:
        return self.method in {"*", method} and fnmatch.fnmatchcase(path, self.path)


class Faults:
    """Faults by appointment (`next`) and by the dice (`chaos`), and a limit of requests. Paths are below /api/v1."""

    def __init__(self, settings: SandboxSettings, dice: random.Random) -> None:
        self.seen: Counter[str] = Counter()
        """How often each kind happened."""
        self._settings = settings
        self._dice = dice
        self._once: list[_Once] = []
        self._chaos: list[_Chaos] = []
        self._lag = settings.list_lag
        self._stale: dict[str, tuple[float, list[str]]] = {}
        """By group: until when it is shown as it was before a change (time.monotonic()), and who was in it then."""
        self.rate_limit(settings.rate, settings.burst)
        if settings.chaos:
            self.chaos(settings.chaos, (*COMMON, LIST_LAG))

    def next(self, method: str, path: str, kind: str, *, times: int = 1) -> None:
        """The next requests of this method and path (`*` stands for anything) go wrong in this way.

        Raises:
            ValueError: there is no such kind.
        """
        self._once.append(_Once(method, path, _known(kind), times))

    def chaos(
        self,
        percent: float,
        kinds: Sequence[str] | Mapping[str, float] = COMMON,
        *,
        method: str = "*",
        path: str = "*",
    ) -> None:
        """That many of a hundred requests go wrong, by the seeded dice; a mapping gives kinds their weights.

        Several calls add up; the first whose method and path fit a request decides on it.

        Raises:
            ValueError: there is no such kind.
        """
        weights = dict(kinds) if isinstance(kinds, Mapping) else dict.fromkeys(kinds, 1.0)
        if weights.pop(LIST_LAG, 0.0):
            self._lag = self._lag or 1.0
        if weights:
            known = {_known(kind): weight for kind, weight in weights.items()}
            self._chaos.append(_Chaos(percent, known, method, path))

    def calm(self) -> None:
        """Nothing goes wrong any more; a rate limit stays."""
        self._once.clear()
        self._chaos.clear()
        self._lag = 0.0

    def lag_group(self, group_id: str, members: list[str]) -> None:
        """A group is about to change; for a while it is shown with these members, by their ids."""
        if self._settings.group_lag and self.stale_group(group_id) is None:
            self._stale[group_id] = time.monotonic() + self._settings.group_lag, members

    def stale_group(self, group_id: str) -> list[str] | None:
        """Who is shown in a group that lags behind; None when it is shown as it is."""
        until, members = self._stale.get(group_id, (0.0, []))
        return members if time.monotonic() < until else None

    def list_lag(self, seconds: float) -> None:
        """Messages show up in lists only when they are this old, in seconds of real time."""
        self._lag = seconds

    def lag(self) -> float:
        """How far lists of messages are behind."""
        return self._lag

    def rate_limit(self, per_second: float | None, burst: int = 10) -> None:
        """Answer 429 with Retry-After beyond this many requests; None lifts it."""
        self._rate, self._burst = per_second, float(burst)
        self._left, self._counted_at = self._burst, time.monotonic()

    def admit(self) -> None:
        """Count one request.

        Raises:
            Refused: 429, with the whole seconds after which there is room again.
        """
        if self._rate is None:
            return
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._counted_at) * self._rate)
        self._counted_at = now
        if self._left < 1:
            self.seen["rate limit"] += 1
            wait = math.ceil((1 - self._left) / self._rate)
            raise Refused(429, "rate limit exceeded", headers={"Retry-After": str(max(1, wait))})
        self._left -= 1

    def draw(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this request, if anything."""
        kind = self._appointed(method, path) or self._thrown(method, path)
        if kind is None:
            return None
        self.seen[kind] += 1
        return KINDS[kind]

    def _appointed(self, method: str, path: str) -> str | None:
        for once in self._once:
            if once.fits(method, path):
                once.times -= 1
                return once.kind
        return None

    def _thrown(self, method: str, path: str) -> str | None:
        rule = next((rule for rule in self._chaos if rule.fits(method, path)), None)
        if rule is None or self._dice.random() * 100 >= rule.percent:
            return None
        return self._dice.choices(list(rule.kinds), list(rule.kinds.values()))[0]


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of fault; use one of {', '.join(KINDS)}")
    return kind
