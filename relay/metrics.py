"""The figures of contract 3.5 in Prometheus format; no number, path or name of a person in any label."""

from __future__ import annotations

import platform
from collections import Counter as Counted
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

import relay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay.models import State


class Metrics:
    """Counters of one relay, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._found: dict[tuple[Counter | str, ...], Counter] = {}
        self._events = Counter("relay_events", "Webhooks by outcome", ["source", "outcome"], registry=self.registry)
        self._deliveries = Counter(
            "relay_deliveries", "Deliveries by outcome of a try", ["connector", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "relay_delivery_seconds",
            "Seconds one try of a delivery took",
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self._depth = Gauge("relay_queue_depth", "Deliveries in each state", ["state"], registry=self.registry)
        self._oldest = Gauge("relay_queue_oldest_seconds", "Age of the oldest due delivery", registry=self.registry)
        self._verdicts = Counter("relay_verdicts", "Verdicts by rule", ["rule", "verdict"], registry=self.registry)
        self._breaker = Gauge(
            "relay_breaker_state", "0 closed, 1 open, 0.5 probing", ["connector"], registry=self.registry
        )
        self._reload = Gauge(
            "relay_config_reload_success", "1 when the configuration last read is in force", registry=self.registry
        )
        self._stalls = Counter("relay_loop_stalls", "Times that the relay's loop was blocked", registry=self.registry)
        build = Gauge("relay_build_info", "Always 1", ["version", "python"], registry=self.registry)
        build.labels(relay.__version__, platform.python_version()).set(1)

    def _of(self, counter: Counter, *labels: str) -> Counter:
        """The counter under these labels, found once: looking it up costs more than counting."""
        found = self._found.get((counter, *labels))
        if found is None:
            found = self._found[(counter, *labels)] = counter.labels(*labels)
        return found

    def event(self, source: str, outcome: str) -> None:
        """Count a webhook: accepted, duplicate, unknown_type, test, refused, unavailable."""
        self._of(self._events, source, outcome).inc()

    def stalled(self) -> None:
        """Count a standstill of the loop."""
        self._stalls.inc()

    def tried(self, connector: str, outcome: str, seconds: float) -> None:
        """Count one try of a delivery."""
        self._of(self._deliveries, connector, outcome).inc()
        self._seconds.observe(seconds)

    def judged(self, said: Iterable[tuple[str, str]]) -> None:
        """Count what was said of events: a rule, and its verdict in a word."""
        for labels, count in Counted(said).items():
            self._of(self._verdicts, *labels).inc(count)

    def connectors(self, names: Iterable[str]) -> None:
        """Show a breaker for every connector."""
        for name in names:
            self._breaker.labels(name)

    def breaker(self, name: str, state: float) -> None:
        """Show how a breaker stands: 0 closed, 1 open, 0.5 probing."""
        self._breaker.labels(name).set(state)

    def reloaded(self, *, good: bool) -> None:
        """Note how the last reading of the configuration went."""
        self._reload.set(int(good))

    def queue(self, states: Mapping[str, int], every: Iterable[State], oldest_seconds: float) -> None:
        """Set what stands in the queue."""
        for state in every:
            self._depth.labels(str(state)).set(states.get(state, 0))
        self._oldest.set(oldest_seconds)

    def text(self) -> bytes:
        """Everything in the exposition format."""
        return generate_latest(self.registry)
