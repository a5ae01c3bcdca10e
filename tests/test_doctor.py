"""The doctor on real parts: a relay and proxies before it, a pretend phone system, and every remedy it names."""

import shutil
import sqlite3
import time
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from relay.callscaler import CallScaler
from relay.connector import Connector, Form
from relay.doctor import CHECKS, Bench, examine, machine, road, services
from relay.errors import Rejected, Unavailable
from relay.intake import Source
from relay.models import Standing, State
from relay.numbers import Drift
from relay.proof import Proof, ProofForm
from relay.sandbox import Sandbox, SandboxSettings
from relay.store import ForeignText
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.version import in_bug_range
from tests.apps import relaying
from tests.store.ledger import ANN, accept, event, owe, owed, prefix

SECRET = "false-secret-0001-0001-0001"
CONFIG = """
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
network: {allow: [127.0.0.1/32], allow_http: true}
sources:
  callscaler: {type: callscaler, proof: {header: X-Relay-Secret, secret: "${RELAY_HOOK_SECRET}"}}
  shop: {type: json, proof: {hmac: {header: X-Sign, secret: "${RELAY_HOOK_SECRET}"}}}
rules: []
"""


@pytest.fixture
async def app(tmp_path):
    async with relaying(tmp_path, CONFIG, {"RELAY_HOOK_SECRET": SECRET}) as it:
        yield it


@pytest.fixture
def bench(app, http):
    here = f"127.0.0.1:{app.public_port}"
    return Bench(time.time, http, sources=app.settings.sources, listen=here, through=f"http://{here}", store=app.store)


@pytest.fixture
async def proxy(app):
    """A proxy before the relay, which does to requests what a test says."""
    runners = []

    async def start(change=lambda headers: headers, most=1 << 20, path=lambda path: path):
        async def forward(request):
            headers = {k: v for k, v in request.headers.items() if k not in {"Host", "Content-Length"}}
            url = f"http://127.0.0.1:{app.public_port}{path(request.path)}"
            body = await request.read()
            async with (
                aiohttp.ClientSession() as session,
                session.request(request.method, url, data=body, headers=change(headers)) as answer,
            ):
                return web.Response(status=answer.status, body=await answer.read())

        server = web.Application(client_max_size=most)
        server.router.add_route("*", "/{any:.*}", forward)
        runner = web.AppRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


def problems(found):
    return [(finding.said, finding.remedy) for finding in found if finding.word == "problem"]


async def test_a_sound_road_is_proved_for_every_source_up_to_the_ledger(bench):
    found = await road.road(bench)
    assert problems(found) == []
    assert [finding.said.split(":")[0] for finding in found[1:]] == ["callscaler", "shop"]
    assert len(await bench.store.requests(limit=9, kind="test")) == 4
    assert await bench.store.events(limit=9) == []


async def test_a_proxy_that_eats_the_header_is_told_from_a_wrong_secret(bench, proxy):
    through = await proxy(lambda headers: {k: v for k, v in headers.items() if k != "X-Relay-Secret"})
    [(said, remedy)] = problems(await road.road(replace(bench, through=through)))
    assert said == "callscaler: proved here, refused on the way (401)"
    assert "X-Relay-Secret" in remedy

    other = read_proof("another-false-secret-0002")
    sources = {"callscaler": Source("callscaler", "callscaler", other)}
    [(said, remedy)] = problems(await road.road(replace(bench, sources=sources)))
    assert said == "callscaler: the proof was not accepted"
    assert "restart it" in remedy


def read_proof(secret) -> Proof:
    return ProofForm.model_validate({"header": "X-Relay-Secret", "secret": secret}).proof()


async def test_a_proxy_that_lets_only_short_bodies_through_is_told(bench, proxy):
    found = problems(await road.road(replace(bench, through=await proxy(most=100_000))))
    assert [said for said, _ in found] == [
        "callscaler: a long body does not come through: answered 413",
        "shop: a long body does not come through: answered 413",
    ]


async def test_a_proxy_that_leads_elsewhere_is_told(bench, proxy):
    lost = await proxy(path=lambda path: f"/elsewhere{path}")
    [(said, remedy)] = problems(await road.road(replace(bench, through=lost)))
    assert said.endswith("answers 404, whatever is asked")
    assert "server: listen" in remedy


async def test_an_address_of_another_relay_is_told(bench, tmp_path):
    elsewhere = SqliteStore(tmp_path / "other.db")
    found = problems(await road.road(replace(bench, store=elsewhere)))
    await elsewhere.close()
    assert {said.partition(": ")[2] for said, _ in found} == {"the probe was answered, and is not in this ledger"}


async def test_a_source_that_the_service_does_not_know_is_told(bench):
    sources = {"new": Source("new", "json", read_proof(SECRET))}
    [(said, remedy)] = problems(await road.road(replace(bench, sources=sources)))
    assert (said, "reload" in remedy) == ("new: answered 404", True)


@pytest.mark.parametrize("answer", [web.HTTPMovedPermanently, web.HTTPFound])
async def test_a_redirect_is_told_without_being_followed(bench, answer):
    async def redirect(request):
        raise answer("https://calls.example.com/else?where")

    server = web.Application()
    server.router.add_route("*", "/{any:.*}", redirect)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    through = f"http://127.0.0.1:{runner.addresses[0][1]}"
    [(said, _)] = problems(await road.road(replace(bench, through=through)))
    await runner.cleanup()
    assert said.endswith("a redirect to https://calls.example.com")


@pytest.mark.parametrize(
    ("through", "said"),
    [
        ("http://127.0.0.1:1", "cannot be reached"),
        ("https://nobody.invalid", "the name leads nowhere (DNS)"),
        ("calls.example.com", "is no address"),
        ("ftp://calls.example.com", "is no address"),
    ],
)
async def test_an_address_that_leads_nowhere_is_told(bench, through, said):
    [(told, remedy)] = problems(await road.road(replace(bench, through=through)))
    assert said in told
    assert remedy


async def test_tls_that_is_none_is_told(bench):
    [(said, _)] = problems(await road.road(replace(bench, through=f"https://{bench.listen}")))
    assert said.endswith("it speaks no proper TLS")


async def test_without_a_public_address_and_without_a_service_it_says_so(bench):
    [finding] = await road.road(replace(bench, through=""))
    assert (finding.word, "--through" in finding.remedy) == ("note", True)
    [finding] = await road.service(replace(bench, listen="127.0.0.1:1"))
    assert (finding.word, finding.remedy) == ("note", "`relay serve` starts it")
    assert (await road.service(bench))[0].word == "ok"


@pytest.fixture
async def phone(http):
    sandbox = Sandbox(None, settings=SandboxSettings(past_calls=0))
    await sandbox.start()
    client = CallScaler(http, api_key=sandbox.key, base_url=f"{sandbox.url}/api/v1")
    yield sandbox, client
    await sandbox.stop()


async def test_the_phone_system_is_asked_for_all_it_knows(phone, http):
    sandbox, client = phone
    bench = Bench(time.time, http, phone=client, base_url=f"{sandbox.url}/api/v1", texts=True)
    found = [finding.said for finding in await services.phone_system(bench)]
    assert found[0].startswith("the key works: ")
    assert any("numbers can text" in said for said in found)
    assert any(said.startswith("balance ") for said in found)
    assert problems(await services.phone_system(bench)) == []
    assert [finding.said for finding in await machine.clock(bench)] == ["right, by the phone system's"]


async def test_a_key_that_is_wrong_and_one_that_is_missing_are_told(phone, http):
    sandbox, _ = phone
    client = CallScaler(http, api_key="cs_key_false0canary0false0canary0false00", base_url=f"{sandbox.url}/api/v1")
    [(said, remedy)] = problems(await services.phone_system(Bench(time.time, http, phone=client)))
    assert said.startswith("the key does not work")
    assert "API Keys" in remedy
    [finding] = await services.phone_system(Bench(time.time, http))
    assert (finding.word, finding.remedy) == ("note", "set CALLSCALER_API_KEY")


async def test_a_clock_that_is_wrong_is_told(phone, http):
    sandbox, _ = phone
    bench = Bench(lambda: time.time() + 3600, http, base_url=f"{sandbox.url}/api/v1")
    [(said, _)] = problems(await machine.clock(bench))
    assert said in {"60m ahead of the phone system's", "1h ahead of the phone system's"}


async def test_little_money_and_numbers_that_cannot_text_matter_where_rules_text(http):
    sandbox = Sandbox(None, settings=SandboxSettings(past_calls=0, balance_cents=100))
    await sandbox.start()
    client = CallScaler(http, api_key=sandbox.key, base_url=f"{sandbox.url}/api/v1")
    quiet = await services.phone_system(Bench(time.time, http, phone=client))
    texting = await services.phone_system(Bench(time.time, http, phone=client, texts=True))
    await sandbox.stop()
    assert problems(quiet) == []
    assert [said for said, _ in problems(texting)] == ["balance 1.00"]


async def test_a_call_flow_that_texts_by_itself_is_told(phone, http):
    _, client = phone
    bench = Bench(time.time, http, phone=client, texts=True)
    await client.call_flows.create("Front desk", steps=[{"type": "missed_call_text", "message": "Sorry"}])
    await client.call_flows.create("Off", steps=[{"type": "sms", "enabled": False}])
    found = [said for said, _ in problems(await services.phone_system(bench))]
    assert found == ["call flow Front desk seems to text callers itself: they would be texted twice"]


async def test_webhooks_that_go_elsewhere_or_fail_are_told(phone, http):
    sandbox, client = phone
    await sandbox.phone.ring("missed", caller="+13125550101", webhook=False)
    bench = Bench(time.time, http, phone=client, through="https://calls.example.com")
    found = await services._posts(bench)
    assert [finding.word for finding in found] == ["note"]


async def test_somebody_else_who_answers_missed_calls_is_seen_in_the_ledger(ledger, http):
    now = time.time()
    await accept(ledger, event("c1", at=now - 600))
    bench = Bench(time.time, http, store=ledger, texts=True)
    assert await services._others(bench) == []
    await ledger.save_foreign_texts([ForeignText("sms_1", ANN, prefix(ANN), None, "sorry", now - 590)])
    [finding] = await services._others(bench)
    assert "right after 1 missed calls" in finding.said


class Kind(Connector):
    Options = Form
    Action = Form

    def __init__(self, failure=None):
        self.failure = failure

    async def send(self, job):
        """Nothing."""

    async def check(self):
        if self.failure is not None:
            raise self.failure


async def test_each_connector_is_asked_and_one_that_fails_stops_no_other(http):
    connectors = {"team": Kind(), "crm": Kind(Rejected("answered 401")), "odd": Kind(KeyError("x"))}
    found = await services.connectors(Bench(time.time, http, connectors=connectors))
    assert [(finding.word, finding.said) for finding in found] == [
        ("ok", "team works"),
        ("problem", "crm: answered 401"),
        ("problem", "odd: 'x'"),
    ]
    assert [finding.word for finding in await services.connectors(Bench(time.time, http))] == ["note"]


async def test_the_ledgers_sums_pages_alerts_and_waits_are_told(ledger, http, tmp_path):
    bench = Bench(time.time, http, store=ledger, folder=tmp_path)
    assert [finding.word for finding in await machine.ledger(bench)] == ["ok"]
    assert [finding.word for finding in await machine.alerts(bench)] == ["ok"]
    await ledger.switch_texts(off=True)
    await ledger.pause("crm", "answered 410", by="relay", now=1.0)
    await ledger.save_breaker(Standing("desk", 1.0, 2.0, 5.0, "answered 503"))
    await ledger.open_alert("disk", "full", "free it", now=1.0)
    await owe(ledger, owed("d1", state=State.DEAD))
    assert [finding.remedy for finding in await machine.ledger(bench)][1:] == ["`relay texts on`"]
    assert [said for said, _ in problems(await machine.alerts(bench))] == [
        "full",
        "crm is paused: answered 410",
        "desk does not answer: answered 503",
    ]
    assert (await machine.alerts(bench))[-1].said == "1 deliveries were given up on"
    await ledger._write(lambda connection: connection.execute("update counts set n = n + 1 where name = 'accepted'"))
    [(said, _)] = problems(await machine.ledger(bench))
    assert said == "its sums are wrong: 2 events were accepted, and 1 are accounted for"


async def test_a_damaged_file_is_told(tmp_path, http):
    store = SqliteStore(tmp_path / "relay.db")
    for n in range(300):
        await accept(store, event(f"c{n}", note="x" * 500))
    await store.close()
    with (tmp_path / "relay.db").open("r+b") as file:
        for page in range(20, 60):
            file.seek(page * 4096)
            file.write(b"\xff" * 4000)
    store = SqliteStore(tmp_path / "relay.db", read_only=True)
    found = await examine(Bench(time.time, http, store=store), {"ledger": machine.ledger})
    await store.close()
    [(_, finding)] = found
    assert finding.word == "problem"
    assert finding.said.startswith("damaged: ")


async def test_of_a_ledger_that_cannot_be_read_it_is_not_said_that_there_is_none(http):
    bench = Bench(time.time, http, fault="relay.db is damaged")
    said = [finding.said for check in (machine.database, machine.ledger) for finding in await check(bench)]
    assert said == ["the ledger cannot be read", "relay.db is damaged"]


async def test_the_disk_is_looked_at(http, tmp_path):
    assert (await machine.disk(Bench(time.time, http)))[0].word == "ok"
    free = shutil.disk_usage(tmp_path)
    word = "ok" if free.free / free.total >= machine.ROOM else "problem"
    assert [finding.word for finding in await machine.disk(Bench(time.time, http, folder=tmp_path))] == [word]
    [(said, _)] = problems(await machine.disk(Bench(time.time, http, folder=tmp_path / "none")))
    assert said.startswith("there is no folder")


@pytest.mark.parametrize(
    ("version", "has_it"),
    [
        ((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False),
        ((3, 50, 6), True), ((3, 50, 7), False), ((3, 51, 1), True), ((3, 51, 3), False), ((3, 54, 1), False),
    ],
)  # fmt: skip
def test_versions_of_sqlite_with_the_bug_are_known(version, has_it):
    assert in_bug_range(version) is has_it


async def test_the_database_is_told(ledger, http):
    [finding] = await machine.database(Bench(time.time, http, store=ledger))
    assert sqlite3.sqlite_version in finding.said
    assert finding.word == ("note" if in_bug_range(sqlite3.sqlite_version_info) else "ok")


async def test_what_a_careful_owner_would_change_is_told(bench):
    assert [finding.word for finding in await machine.configuration(bench)] == ["ok"]
    open_door = {"shop": Source("shop", "json", Proof("none"))}
    found = await machine.configuration(replace(bench, sources=open_door, warnings=["relay.yaml:1:1: hm"]))
    assert [finding.word for finding in found] == ["note", "problem"]


async def test_every_check_runs_and_one_that_falls_over_stops_no_other(bench):
    async def falls(_):
        raise ZeroDivisionError("oops")

    found = await examine(bench, {"odd": falls, **CHECKS})
    assert found[0][1].said == "could not be checked: ZeroDivisionError: oops"
    assert {name for name, _ in found} == {"odd", *CHECKS}
    assert [name for name, finding in found[1:] if finding.word == "problem"] == []


async def test_numbers_that_are_not_where_they_are_declared_are_a_problem_with_a_remedy():
    async def drifted():
        return (Drift("+13125550142 is in Sales, belongs in Parked", "`relay numbers plan`"),)

    async def none():
        return ()

    async def silent():
        raise Unavailable("no answer")

    said = [(await services.groups(Bench(time.time, None, drift=drift)))[0] for drift in (drifted, none, silent)]
    assert [one.word for one in said] == ["problem", "ok", "problem"]
    assert said[0].remedy == "`relay numbers plan`"
    assert [one.word for one in await services.groups(Bench(time.time, None))] == ["note"]
