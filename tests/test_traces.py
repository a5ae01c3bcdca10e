"""Spans from a webhook to its delivery, as a collector receives them over OTLP/HTTP."""

import gzip
import sys

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from relay import server
from relay.traces import Untold, ids_of, open_traces
from tests.dashboard.conftest import FILE, start


class Collector:
    """Receives spans."""

    def __init__(self):
        self.spans = []
        self.resources = []

    async def take(self, request):
        body = await request.read()
        # aiohttp has unpacked what was said to be packed.
        asked = ExportTraceServiceRequest.FromString(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        for resource in asked.resource_spans:
            self.resources.append({one.key: one.value.string_value for one in resource.resource.attributes})
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(body=b"", content_type="application/x-protobuf")

    def named(self, name):
        return [span for span in self.spans if span.name == name]


@pytest.fixture
async def collector(monkeypatch):
    it = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", it.take)
    runner, port = await server.listen(app, "127.0.0.1", 0)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    yield it
    await runner.cleanup()


def attributes(span):
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


async def test_a_webhook_its_planning_and_its_delivery_are_one_trace(collector, tmp_path, sink, until):
    async with start(tmp_path, sink.url, {}) as house:
        reply = await house.ring("c1", event="call.completed")
        await house.ring("c1", event="call.completed")
        await house.settled(until)
    [webhook], [plan], [deliver] = (collector.named(name) for name in ("webhook", "plan", "deliver"))
    [again] = collector.named("webhook again")
    trace, root = ids_of(reply["event"])
    assert {int.from_bytes(span.trace_id) for span in (webhook, plan, deliver, again)} == {trace}
    assert (int.from_bytes(webhook.span_id), webhook.parent_span_id) == (root, b"")
    assert {span.parent_span_id for span in (plan, deliver, again)} == {webhook.span_id}
    assert len({span.span_id for span in (webhook, plan, deliver, again)}) == 4
    assert attributes(deliver) | {"relay.delivery": "", "relay.run": ""} == {
        "relay.event": reply["event"],
        "relay.delivery": "",
        "relay.run": "",
        "relay.connector": "archive",
        "relay.state": "delivered",
        "relay.try": 1,
    }
    assert attributes(webhook)["relay.status"] == 202
    assert webhook.start_time_unix_nano <= webhook.end_time_unix_nano <= deliver.end_time_unix_nano
    assert {one["service.name"] for one in collector.resources} == {"callscaler-relay"}
    assert "3125550101" not in str(collector.spans)


async def test_the_trace_goes_on_after_a_restart_and_a_failed_try_says_why(collector, tmp_path, sink, until):
    sink.down = True
    patient = FILE.format(url=sink.url).replace("for: 1s", "for: 1h")
    async with start(tmp_path, sink.url, {}, patient) as house:
        reply = await house.ring("c1", event="call.completed")

        async def tried():
            return any(one.tries for one in await house.app.store.deliveries(limit=9))

        await until(tried)
    sink.down = False
    async with start(tmp_path, sink.url, {}, patient) as house:
        await house.settled(until)
    trace, _ = ids_of(reply["event"])
    tries = sorted(collector.named("deliver"), key=lambda span: span.end_time_unix_nano)
    assert {int.from_bytes(span.trace_id) for span in tries} == {trace}
    assert len(tries) >= 2
    assert "503" in tries[0].status.message
    assert tries[-1].status.message == ""


async def test_a_collector_that_is_gone_holds_up_nobody(monkeypatch, tmp_path, sink, until):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    async with start(tmp_path, sink.url, {}) as house:
        await house.ring("c1", event="call.completed")
        await house.settled(until)
    assert len([body for body in sink.bodies if body]) == 1


def test_without_an_endpoint_nothing_is_told():
    traces = open_traces({})
    assert (type(traces), traces.on) == (Untold, False)
    traces.tell("webhook", "evt_1", 0.1)
    traces.close()


def test_without_the_extra_the_relay_runs_and_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert not open_traces({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}).on
