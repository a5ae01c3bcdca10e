"""A connector under its name, with the manners that every connector can be given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aiolimiter import AsyncLimiter

from relay.backoff import Schedule
from relay.store import Want
from relay.texting import PhoneConnector

if TYPE_CHECKING:
    from relay.connector import Connector


@dataclass(frozen=True)
class Channel:
    """A connector under its name in relay.yaml; `timeout` and `lease` in seconds."""

    name: str
    connector: Connector[Any, Any]
    concurrency: int = 4
    timeout: float = 15.0
    lease: float = 30.0
    retry: Schedule = field(default_factory=Schedule)
    rate: AsyncLimiter | None = None
    """Tries (a batch is one) that may begin in a span of time."""
    relays: int = 1
    """How many relays share the rate."""
    opens: int = 10
    """Failures in a row after which its breaker opens."""

    def shared_by(self, relays: int) -> Channel:
        """The same where so many relays work: each keeps to its share of the rate, so that all together keep to it."""
        if self.rate is None or relays == self.relays:
            return self
        span = self.rate.time_period / self.relays * relays
        return replace(self, rate=AsyncLimiter(self.rate.max_rate, span), relays=relays)

    @cached_property
    def may_run_ahead(self) -> bool:
        """Whether its deliveries may be claimed before their turn: one by one, at no rate, and to no phone system."""
        alone = self.connector.batch().rows <= 1 and not isinstance(self.connector, PhoneConnector)
        return alone and self.rate is None

    @property
    def window(self) -> float:
        """Seconds after a claim within which a try may begin, so that it is over before the claim is."""
        return self.lease - self.timeout

    def want(self, under_way: int, ahead: int = 0) -> Want:
        """What may be claimed for it now: what may begin at once and so many more, as far as its rate has room."""
        batch, slots = self.connector.batch(), self.concurrency - under_way + ahead
        return Want(slots if self.rate is None else min(slots, self.room), batch.rows, self.lease, batch.or_after)

    @property
    def room(self) -> int:
        """Tries that the rate allows to begin at this moment, as far as concurrency could use them."""
        if self.rate is None:
            return self.concurrency
        return max(count for count in range(self.concurrency + 1) if self.rate.has_capacity(count))

    @property
    def pause(self) -> float | None:
        """Seconds after which the rate has room for one more; None where it has room now."""
        if self.rate is None or self.room:
            return None
        return self.rate.time_period / self.rate.max_rate

    async def begin(self) -> None:
        """Count one try against the rate; at once, where `want` allowed it."""
        if self.rate is not None:
            await self.rate.acquire()
