"""Spans from a webhook to its last delivery, for whoever collects them over OTLP/HTTP (the extra `[otel]`).

All spans of one event share a trace whose ids are made from the event's own id. So they find together across the queue,
a restart and several relays, with nothing kept for it in the ledger. Where they go, OTEL_EXPORTER_OTLP_ENDPOINT and its
kin say (https://opentelemetry.io/docs/languages/sdk-configuration/otlp-exporter/).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import TracerProvider

log = structlog.get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NANO = 1_000_000_000


class Traces(Protocol):
    """Whoever is told what took how long."""

    on: bool
    """Whether anybody listens; where nobody does, nothing need be measured."""

    def tell(self, name: str, event: str, seconds: float, *, failed: str | None = None, **about: str | int) -> None:
        """Something was done for an event, and ended now after `seconds`; the span `webhook` is the root of all."""

    def close(self) -> None:
        """Send what waits."""


class Untold:
    """Nobody listens."""

    on = False

    def tell(self, name: str, event: str, seconds: float, *, failed: str | None = None, **about: str | int) -> None:
        """Nothing happens."""

    def close(self) -> None:
        """Nothing waits."""


def open_traces(environment: Mapping[str, str]) -> Traces:
    """Spans to where the environment says, if it says so and what they need is installed."""
    if not any(environment.get(name) for name in ENDPOINTS):
        return Untold()
    try:
        return Told()
    except ImportError:
        log.error("spans were asked for, but what sends them is not installed: in the clone, pip install '.[otel]'")
        return Untold()


class Told:
    """Spans by the SDK of OpenTelemetry, sent in the background."""

    on = True

    def __init__(self) -> None:
        """Raises ImportError where the extra is not installed."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

        import relay  # noqa: PLC0415 - its version

        self._ids = _Ids()
        resource = Resource.create({"service.name": "callscaler-relay", "service.version": relay.__version__})
        self._provider: TracerProvider = TracerProvider(resource=resource, id_generator=self._ids)  # type: ignore[arg-type] # the shape alone, as its class is in an extra
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("relay", relay.__version__)

    def tell(self, name: str, event: str, seconds: float, *, failed: str | None = None, **about: str | int) -> None:
        """As the protocol says."""
        from opentelemetry import trace  # noqa: PLC0415 - an extra

        now = time.time_ns()
        root = name == "webhook"
        trace_id, root_id = ids_of(event)
        above = trace.SpanContext(trace_id, root_id, is_remote=True, trace_flags=trace.TraceFlags(1))
        context = None if root else trace.set_span_in_context(trace.NonRecordingSpan(above))
        self._ids.next = (trace_id, root_id) if root else None
        kind = {"webhook": trace.SpanKind.SERVER, "deliver": trace.SpanKind.CLIENT}.get(name, trace.SpanKind.INTERNAL)
        span = self._tracer.start_span(
            name,
            context=context,
            kind=kind,
            start_time=now - int(seconds * _NANO),
            attributes={"relay.event": event, **{f"relay.{key}": value for key, value in about.items()}},
        )
        if failed is not None:
            span.set_status(trace.StatusCode.ERROR, failed)
        span.end(now)

    def close(self) -> None:
        """As the protocol says; waits for the collector, some seconds at most."""
        self._provider.shutdown()


class _Ids:
    """Ids as they are wanted for a root, else as they fall; the shape that the SDK asks for."""

    def __init__(self) -> None:
        self.next: tuple[int, int] | None = None

    def generate_trace_id(self) -> int:
        """128 bits."""
        return self.next[0] if self.next is not None else secrets.randbits(128)

    def generate_span_id(self) -> int:
        """64 bits."""
        return self.next[1] if self.next is not None else secrets.randbits(64) or 1

    def is_trace_id_random(self) -> bool:
        """They are digests, and so as good as random."""
        return True


def ids_of(event: str) -> tuple[int, int]:
    """The ids of an event's trace and of its root span."""
    digest = hashlib.sha256(event.encode()).digest()
    return int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]) or 1
