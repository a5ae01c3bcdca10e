"""A real `relay serve` with a file written from the documentation alone, real sinks, kills, stops and reloads."""

import asyncio
import json
import os
import re
import signal
import sys

import aiohttp
import pytest

from tests import forked
from tests.patience import PATIENCE

FROM_NOTHING = [sys.executable, "-m", "relay"]
"""Not forked: what is killed is the relay itself."""
SECRET = "false-secret-0001-0001-0001"
FILE = """\
business: {name: Bright Plumbing, timezone: America/Chicago}
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
network: {allow: [127.0.0.1/32], allow_http: true}
sources:
  callscaler:
    type: callscaler
    proof: {header: X-Relay-Secret, secret: "${HOOK_SECRET}"}
connectors:
  archive:
    type: webhook
    url: ${SINK_URL}/calls
    retry: {for: 1h, first: 1s, most: 2s}
rules:
  - name: Archive every call
    when: [call.*, call.enriched]
    then:
      - send: archive
"""
NUMBERS = {"caller_number": "+13125550101", "tracking_number": "+13125550142"}
AI = {
    "transcription": "My heater leaks.",
    "summary": "A leak.",
    "ai_score": 82,
    "ai_category": "lead",
    "qualified_ai": True,
}
NO_AI = dict.fromkeys(AI)
BODIES = [
    {"event": "call.completed", "status": "completed", "duration_seconds": 145, **NUMBERS, **AI},
    {"event": "call.missed", "status": "no-answer", "duration_seconds": 0, **NUMBERS, **NO_AI},
    {"event": "call.voicemail", "status": "voicemail", "destination_number": None, **NUMBERS},
    {"event": "call.failed", "status": "failed", "call_flow_name": "Main Line", **NUMBERS},
    {"event": "call.ended", "status": "answered", "robo_risk_score": 5, "timestamp": "2024-01-15T14:30:00Z", **NUMBERS},
    {"event": "call.ended", "status": "answered", "timestamp": "2026-01-15T14:30:00Z"},
    {"event": "call.completed", "status": "completed", **NUMBERS, **NO_AI, "created_at": "2026-07-26T16:58:30Z"},
    {
        "event": "call.completed",
        "direction": "outbound",
        "caller_number": "+13125550142",
        "destination_number": "+13125550109",
    },
    {"event": "call.completed", **NUMBERS, "caller_name": "TOLL FREE CALL", "ai_category": "spam", "ai_score": 3},
    {"event": "call.completed", **NUMBERS, "keywords_spotted": ["leak"], "value_cents": 5000, "new_field": {"a": [1]}},
    {"event": "call.missed"},
    {"event": "call.completed", **NUMBERS, **NO_AI, "transcription": "Agent: Good morning."},
    {"event": "call.missed", "status": "busy", "caller_name": "UNAVAILABLE", "tracking_number": "+13125550142"},
    {"event": "call.completed", **NUMBERS, "ai_category": "existing_customer", "qualification_reason": None},
]


class Served:
    """One process of the relay, and what it says on stderr."""

    def __init__(self, process):
        self.process = process
        self.said = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self):
        while line := await self.process.stderr.readline():
            self.said += line.decode()

    async def address(self, pattern, until):
        return (await until(lambda: re.search(pattern, self.said)))[1]

    async def end(self, number=None):
        if self.process.returncode is None and number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            code = await self.process.wait()
            await self._reading
        return code


@pytest.fixture
async def relay(tmp_path, sink, until):
    """Starts the relay in a folder, again and again; ends whatever still runs."""
    (tmp_path / "relay.yaml").write_text(FILE)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "HOOK_SECRET": SECRET,
        "SINK_URL": sink.url,
    }
    processes = []

    async def start(*arguments, wait=True, program=forked.relay()):  # noqa: B008 - the same one all the time
        command = [*program, "-c", str(tmp_path / "relay.yaml"), "serve", *arguments]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment, cwd="/"
        )
        served = Served(process)
        processes.append(served)
        if wait:
            await served.address(r"(admin on)", until)
        return served

    yield start
    for served in processes:
        await served.end(signal.SIGKILL)


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as it:
        yield it


@pytest.fixture
def post(session, until):
    async def send(served, body, secret=SECRET):
        url = await served.address(r"listening on (\S+)", until)
        async with session.post(url, json=body, headers={"X-Relay-Secret": secret}) as answer:
            return answer.status, await answer.json(content_type=None)

    return send


def calls(sink):
    return [json.loads(body)["call_id"] for body in sink.bodies]


async def test_every_shape_of_body_is_forwarded_once_and_a_repeat_never_again(relay, post, sink, until, session):
    served = await relay()
    bodies = [{"call_id": f"c-{number:04}", **body} for number, body in enumerate(BODIES)]
    first = [await post(served, body) for body in bodies]
    again = [await post(served, body) for body in bodies]
    assert [status for status, _ in first] == [202] * len(bodies)
    assert [(status, told["event"], told["duplicate"]) for status, told in again] == [
        (200, told["event"], True) for _, told in first
    ]
    await until(lambda: len(sink.bodies) >= len(bodies))
    status, told = await post(served, {**bodies[6], **AI})
    assert (status, told["duplicate"]) == (200, True)
    await until(lambda: len(sink.bodies) == len(bodies) + 1)
    assert sorted(calls(sink)) == sorted([*(body["call_id"] for body in bodies), bodies[6]["call_id"]])
    enriched = next(found for body in sink.bodies if (found := json.loads(body))["event"] == "call.enriched")
    assert (enriched["call"]["ai_score"], enriched["call"]["outcome"]) == (82, "answered")
    assert await post(served, {"message": "Test from CallScaler"}) == (200, {"event": None})
    assert (await post(served, bodies[0], secret="guess"))[0] == 401
    admin = await served.address(r"admin on (\S+)", until)
    async with session.get(f"{admin}/readyz") as answer:
        assert await answer.json() == {"ready": True, "reasons": []}
    assert await served.end(signal.SIGTERM) == 0


async def test_what_was_owed_when_it_was_killed_arrives_after_the_restart(relay, post, sink, until):
    sink.down = True
    served = await relay(program=FROM_NOTHING)
    for number in range(5):
        assert (await post(served, {"event": "call.missed", "call_id": f"c-{number}"}))[0] == 202
    await until(lambda: sink.requests)
    assert await served.end(signal.SIGKILL) == -signal.SIGKILL
    sink.down = False
    again = await relay(program=FROM_NOTHING)
    await until(lambda: set(calls(sink)) == {f"c-{number}" for number in range(5)})
    assert (await post(again, {"event": "call.missed", "call_id": "c-0"}))[1]["duplicate"] is True
    assert await again.end(signal.SIGTERM) == 0


async def test_a_stop_finishes_what_is_under_way(relay, post, sink, until):
    sink.hang_next(1)
    served = await relay()
    await post(served, {"event": "call.missed", "call_id": "c-1"})
    await until(lambda: not sink._faults)
    served.process.send_signal(signal.SIGTERM)

    async def turned_away():
        return (await post(served, {"event": "call.missed", "call_id": "c-2"}))[0] == 503

    await until(turned_away)
    assert served.process.returncode is None
    sink._stopping.set()
    assert await served.end() == 0
    assert "state=due" in served.said
    assert "Traceback" not in served.said


async def test_one_half_may_run_without_the_other(relay, post, sink, until):
    door = await relay("--no-worker")
    await post(door, {"event": "call.missed", "call_id": "c-1"})
    assert await door.end(signal.SIGINT) == 0
    assert sink.bodies == []
    rest = await relay("--no-intake")
    await until(lambda: calls(sink) == ["c-1"])
    assert "listening" not in rest.said
    assert await rest.end(signal.SIGTERM) == 0


async def test_a_second_relay_on_the_same_ledger_is_refused(relay):
    await relay()
    second = await relay(wait=False)
    assert await second.end() == 3
    assert "another relay (process" in second.said
    assert "Traceback" not in second.said


async def test_a_changed_file_is_taken_up_and_a_broken_one_changes_nothing(relay, post, sink, until, tmp_path, session):
    served = await relay()
    admin = await served.address(r"admin on (\S+)", until)
    path = tmp_path / "relay.yaml"

    async def success():
        async with session.get(f"{admin}/metrics") as answer:
            return float(re.search(r"^relay_config_reload_success (\S+)", await answer.text(), re.MULTILINE)[1])

    assert await success() == 1
    path.write_text(FILE.replace("send: archive", "send: archiv") + "nonsense: 1\n")
    await until(lambda: "nonsense" in served.said)
    assert await success() == 0
    await post(served, {"event": "call.missed", "call_id": "c-old"})
    await until(lambda: calls(sink) == ["c-old"])

    scenario = "{name: t, given: [{event: call.missed, at: 2026-03-02 10:00}], expect: {delivered: {archive: 7}}}"
    path.write_text(FILE + f"tests: [{scenario}]\n")
    await until(lambda: "wanted 7, was 1" in served.said)
    assert await success() == 0

    path.write_text(FILE.replace("- send: archive", '- send: archive\n        body: \'{"call_id": "new"}\''))
    served.process.send_signal(signal.SIGHUP)
    await until(lambda: "configuration reloaded" in served.said)
    assert await success() == 1
    await post(served, {"event": "call.missed", "call_id": "c-new"})
    await until(lambda: calls(sink) == ["c-old", "new"])
    assert await served.end(signal.SIGTERM) == 0


async def test_nothing_that_is_secret_or_said_on_the_phone_is_logged(relay, post, sink, until):
    served, sink.status = await relay(), 503  # what goes well is not logged
    await post(served, {"event": "call.completed", "call_id": "c-1", "transcription": "my false diagnosis", **NUMBERS})
    await post(served, {"event": "call.completed", "call_id": "c-2"}, secret="guessed-0001")
    await until(lambda: sink.bodies)
    assert await served.end(signal.SIGTERM) == 0
    assert "delivery" in served.said
    for word in (SECRET, "guessed-0001", "false diagnosis", f"{sink.url}/calls"):
        assert word not in served.said
    assert await served.process.stdout.read() == b""
