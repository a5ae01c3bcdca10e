"""Whether a service that keeps failing is asked again, and when: what is owed to it waits meanwhile. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.connector import Receipt
from relay.errors import Forbidden, Gone, Invalid, NotFound, Rejected, Unauthorized, Unavailable, Unclear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Standing
    from relay.worker.move import Outcome

SLOWEST = 60.0
"""Seconds between two probes at most."""
_THE_KEY = (Unauthorized, Forbidden)
_ANYTHING = (*_THE_KEY, NotFound, Invalid)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed, or open since `opened_at`, when one probe at a time asks whether the service works again."""

    failures: int = 0
    """Tries in a row that the service did not answer."""
    refusals: int = 0
    """Tries in a row that it refused."""
    opened_at: float | None = None
    probe_at: float = 0.0
    """When the next probe may go, Unix seconds, while it is open."""
    wait: float = 0.0
    fault: str | None = None
    """What was last said, while it is open."""

    @property
    def open(self) -> bool:
        """Whether only probes are let through."""
        return self.opened_at is not None

    def after(
        self, outcomes: Sequence[Outcome], *, now: float, first: float, opens: int, probe: bool, said: str
    ) -> Breaker:
        """The breaker after one try, which a batch is too.

        It opens after `opens` failures in a row, and probes `first` seconds later, then half as often each time. What
        was under way when it opened may close it, and does not put off the next probe. A connector that fails in a way
        it should not says nothing about its service: it never opens a breaker, and does not close one.
        """
        if any(isinstance(outcome, Receipt) for outcome in outcomes):
            return CLOSED
        if any(isinstance(outcome, Rejected) for outcome in outcomes):
            return Breaker(refusals=self.refusals + 1)
        if self.open:
            wait = min(2 * self.wait, SLOWEST)
            return replace(self, wait=wait, probe_at=now + _asked(outcomes, wait), fault=said) if probe else self
        if not any(isinstance(outcome, (Unavailable, Unclear)) for outcome in outcomes):
            return self
        if self.failures + 1 < opens:
            return replace(self, failures=self.failures + 1)
        wait = min(first, SLOWEST)
        return Breaker(opens, self.refusals, now, now + _asked(outcomes, wait), wait, said)

    def known(self, standing: Standing | None) -> Breaker:
        """The same with what the ledger says, which another relay may have written."""
        opened_at = None if standing is None else standing.opened_at
        if standing is None or opened_at is None:
            return Breaker(self.failures, self.refusals) if not self.open else Breaker()
        return replace(
            self, opened_at=opened_at, probe_at=standing.probe_at or 0.0, wait=standing.wait, fault=standing.fault
        )


CLOSED = Breaker()
"""As it stands after whatever went well."""


def _asked(outcomes: Sequence[Outcome], wait: float) -> float:
    """Seconds until the next probe: what the service asked for, if that is longer."""
    return max([wait, *(o.retry_after for o in outcomes if isinstance(o, Unavailable) and o.retry_after is not None)])


def pauses(outcome: Outcome, kind: str, refusals: int) -> bool:
    """Whether a refusal that ended a delivery pauses its connector too; `refusals` counts those in a row.

    One that is gone for good pauses at once; else only what was refused as often as one delivery is tried, with nothing
    delivered in between, so that one odd delivery does not hold up those that are well. A phone system that refuses one
    text or one number goes on; one that refuses the key does not (reliability, section 1 and A5).
    """
    if isinstance(outcome, Gone):
        return kind == "send"
    if not isinstance(outcome, _ANYTHING if kind == "send" else _THE_KEY):
        return False
    return 1 < outcome.grace <= refusals
