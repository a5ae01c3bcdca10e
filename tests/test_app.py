"""One relay put together: what a start takes up again, what a reload changes, and what it must not."""

import asyncio
import contextlib
import json

import aiohttp
import pytest

from connectors.table import CONNECTORS
from relay.app import App
from relay.app.countdown import Countdown
from relay.app.supervisor import end
from relay.models import Owned, State
from relay.settings import read_settings
from relay.store.sqlite import SqliteStore
from tests.carried import CarriedStore

SECRET = "false-secret-0001-0001"
FILE = """\
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", admin_url: "https://Relay.example:8443/"}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
connectors:
  {name}: {{type: webhook, url: "{url}", retry: {{first: 1s, for: 1h, most: 2s}}}}
rules:
  - name: Archive
    when: call.*
    then: [{{send: {name}, body: '{{"is": "{body}"}}'}}]
"""
ENVIRONMENT = {"RELAY_HOOK_SECRET": SECRET, "RELAY_ADMIN_TOKEN": "false-admin-token"}


class Running:
    """An app, its file, and a sender who knows the secret."""

    def __init__(self, app, path, url):
        self.app, self.path, self.url = app, path, url

    def write(self, name="archive", body="first", more=""):
        self.path.write_text(FILE.format(name=name, url=self.url, body=body) + more)

    async def reload(self):
        return await self.app.reload(self.path, ENVIRONMENT)

    async def post(self, key):
        url = f"http://127.0.0.1:{self.app.public_port}/hooks/callscaler"
        async with (
            aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session,
            session.post(url, json={"event": "call.missed", "call_id": key}) as answer,
        ):
            return answer.status


@pytest.fixture
async def make(tmp_path, sink):
    running = []

    def build(connectors=CONNECTORS, **options):
        path = tmp_path / "relay.yaml"
        it = Running(None, path, sink.url)
        it.write()
        settings = read_settings(path, CONNECTORS, ENVIRONMENT)
        it.app = App(settings, CarriedStore(tmp_path / "relay.db"), connectors, **options)
        running.append(it.app)
        return it

    yield build
    for app in running:
        await app.stop()


@pytest.fixture
async def it(make):
    running = make()
    await running.app.start()
    return running


@pytest.fixture
async def still(make, sink, until, clock):
    """An app by a clock that stands still, which tried once to send "first" and may not try again yet."""
    running = make(clock=clock)
    await running.app.start()
    sink.down = True
    await running.post("c1")

    async def tried():
        return [one.tries for one in await running.app.store.deliveries(limit=9)] == [1]

    await until(tried)
    return running


def received(sink):
    return [json.loads(body)["is"] for body in sink.bodies]


async def test_a_reload_changes_what_is_sent_from_then_on(it, sink, until):
    await it.post("c1")
    await until(lambda: received(sink) == ["first"])
    it.write(body="second")
    assert await it.reload()
    await it.post("c2")
    await until(lambda: received(sink) == ["first", "second"])


@pytest.mark.parametrize("more", ["nonsense: 1\n", "  - {name: x}\n", "rules: []\n", "a: &a b\n"])
async def test_a_broken_file_changes_nothing(it, sink, until, more):
    before = (it.app.settings, it.app.planner.book, it.app.worker.channels, it.app.door.sources)
    it.write(body="second", more=more)
    assert not await it.reload()
    assert (it.app.settings, it.app.planner.book, it.app.worker.channels, it.app.door.sources) == before
    await it.post("c1")
    await until(lambda: received(sink) == ["first"])
    assert b"relay_config_reload_success 0.0" in it.app.metrics.text()


async def test_a_ledger_that_cannot_take_the_new_rules_changes_nothing(it):
    before = it.app.settings
    it.write(body="second")
    await it.app.store.close()
    assert not await it.reload()
    assert it.app.settings is before


async def test_rules_that_cannot_be_carried_to_the_ledgers_process_change_nothing(make, sink, until):
    class Local(CONNECTORS["webhook"]):
        """Found under no name of its module, and asked for the lane of what is planned."""

        def lane(self, _action):
            return "one"

    running = make({**CONNECTORS, "local": Local})
    await running.app.start()
    running.write(body="second")
    running.path.write_text(running.path.read_text().replace("type: webhook", "type: local", 1))
    assert not await running.reload()
    assert "started with it" in running.app.shown().reload.mistakes[0]
    await running.post("c1")
    await until(lambda: received(sink) == ["first"])


async def test_what_is_owed_keeps_its_wording_through_a_reload(still, sink, clock, until):
    still.write(body="second")
    assert await still.reload()
    sink.down = False
    clock.now += 60
    still.app.worker.call()
    await until(lambda: received(sink) == ["first"])


async def test_what_is_owed_to_a_connector_that_is_gone_is_dead_with_the_reason(still):
    still.write(name="other")
    assert await still.reload()
    [delivery] = await still.app.store.deliveries(limit=9)
    assert delivery.state is State.DEAD
    assert "no connector archive any more" in delivery.reason


async def test_a_connector_that_comes_back_does_not_wake_what_died_with_it(still, sink, clock, until):
    still.write(name="other")
    assert await still.reload()
    sink.down = False
    still.write(body="second")
    assert await still.reload()
    clock.now += 60
    await still.post("c2")
    await until(lambda: sink.bodies)
    assert received(sink) == ["second"]
    assert State.DEAD in {delivery.state for delivery in await still.app.store.deliveries(limit=9)}


async def test_what_is_owed_goes_where_the_connector_leads_now(still, sink, clock, until):
    still.url = f"{sink.url}/moved"
    still.write()
    assert await still.reload()
    sink.down = False
    clock.now += 60
    still.app.worker.call()
    await until(lambda: received(sink) == ["first"])
    assert sink.requests[-1].path == "/moved"


async def test_a_reload_with_other_networks_closes_every_client_at_the_end(it, sink, until):
    await it.post("c1")
    await until(lambda: received(sink) == ["first"])
    first = it.app._http
    it.path.write_text(it.path.read_text().replace("127.0.0.1/32", "127.0.0.0/8"))
    assert await it.reload()
    await it.post("c2")
    await until(lambda: len(received(sink)) == 2)
    await it.app.stop()
    assert first._session.closed


async def test_the_business_s_own_numbers_are_known_from_the_first_moment_and_through_a_reload(make):
    running = make()
    await running.app.store.save_numbers([Owned("+13125550142", "n1")])
    await running.app.prepare()
    assert running.app.planner.book.policy.own == {"+13125550142"}
    running.write(body="second")
    assert await running.reload()
    assert running.app.planner.book.policy.own == {"+13125550142"}


async def test_a_start_takes_up_again_what_was_under_way(make, sink, until):
    running = make()
    store = running.app.store
    await running.app.start()
    sink.hang_next(1)
    await running.post("c1")
    await until(lambda: not sink._faults)
    states = await store.states()
    assert states == {"sending": 1}
    assert await store.free_leases(now=0.0, settle=1.0, everything=True) == 1
    running.app.worker.call()
    await until(lambda: received(sink) == ["first"])
    sink._stopping.set()


async def test_our_names_reach_the_admin_listener_and_need_its_token(it):
    async with aiohttp.ClientSession() as session:
        for host, token, status in (
            ("relay.example:8443", "false-admin-token", 200),
            ("relay.example", None, 401),
            ("evil.example", "false-admin-token", 421),
        ):
            headers = {"Host": host} | ({"Authorization": f"Bearer {token}"} if token else {})
            async with session.get(f"http://127.0.0.1:{it.app.admin_port}/metrics", headers=headers) as answer:
                assert answer.status == status


async def test_a_part_that_fell_over_is_told_and_started_again(make, until, monkeypatch):
    monkeypatch.setattr("relay.app.supervisor._FIRST_PAUSE", 0.01)
    running = make()
    runs = []

    async def part():
        runs.append(1)
        raise ZeroDivisionError("oops")

    running.app.loops.keep("part", part)
    await until(lambda: running.app.not_ready() == ["part: ZeroDivisionError: oops"])
    await until(lambda: len(runs) > 1)


async def test_a_relay_that_stops_is_not_ready(it):
    assert it.app.not_ready() == []
    await it.app.stop()
    assert it.app.not_ready() == ["stopping"]


async def test_a_part_that_swallows_its_first_cancellation_does_not_keep_the_relay_from_stopping() -> None:
    async def deaf() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    task = asyncio.get_running_loop().create_task(deaf())
    await asyncio.sleep(0)
    await end([task])
    assert task.done()


async def test_a_countdown_leaves_behind_what_does_not_end_and_goes_on(caplog):
    left = Countdown(0.05)
    never = asyncio.get_running_loop().create_task(asyncio.Event().wait())
    assert await left.spend(asyncio.sleep(0))
    assert not await left.spend(never)
    assert left.seconds == 0
    await asyncio.wait([never])
    assert never.cancelled()
    with pytest.raises(ZeroDivisionError):
        await left.spend(_fails())


async def _fails():
    raise ZeroDivisionError


async def test_a_stop_is_over_in_time_whatever_hangs(make, sink, until, monkeypatch):
    """A receiver that never answers, and a sender that never ends its body, share one span of time."""
    monkeypatch.setattr("relay.app.app.STOP", 5.5)
    running = make()
    await running.app.start()
    sink.hang_next(1)
    await running.post("c1")
    await until(lambda: not sink._faults)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.app.public_port)
    writer.write(
        b"POST /hooks/callscaler HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    )
    await writer.drain()
    await running.app.stop()
    with contextlib.suppress(ConnectionError):
        assert b" 408 " not in await reader.read(), "the sender's ten seconds were not waited for"
    later = SqliteStore(running.app.store.path)
    assert await later.free_leases(now=0.0, settle=1.0, everything=True) == 1
    assert await later.states() == {"due": 1}
    await later.close()
    writer.transport.abort()
    sink._stopping.set()


async def test_a_changed_file_that_is_not_used_is_told_of_until_one_is(it, until):
    it.write(more="nonsense: 1\n")
    await it.reload()
    await it.app.alerts.look()
    [alert] = await it.app.store.alerts(open_only=True)
    assert (alert.cause, "nonsense" in alert.what) == ("reload", True)
    it.write()
    await it.reload()
    await it.app.alerts.look()
    assert await it.app.store.alerts(open_only=True) == ()


async def test_alerts_go_to_whoever_the_file_names_even_if_what_is_owed_there_fails(make, sink, until):
    it = make()
    it.write(more="  - {name: x, when: call.missed, then: [{send: ops}]}\nalerts: {to: ops}\n")
    text = it.path.read_text().replace("rules:", f'  ops: {{type: webhook, url: "{sink.url}/ops"}}\nrules:')
    it.path.write_text(text)
    assert await it.reload()
    await it.app.store.pause("archive", "answered 410", by="relay", now=1.0)
    await it.app.alerts.look()
    await it.app.alerts.tell()
    [told] = sink.requests
    assert (told.path, told.json["event"]) == ("/ops", "alert")
    assert "archive is paused (answered 410)" in told.json["text"]
    assert "relay resume archive" in told.json["text"]
