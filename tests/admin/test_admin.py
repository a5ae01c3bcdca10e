"""The admin listener: who may ask, under which name, and what is told."""

import aiohttp
import pytest

from relay import server
from relay.admin import Admin
from relay.intake import Intake, Source
from relay.metrics import Metrics
from relay.models import Delivery, NumberRun, Plan, State, Verdict
from relay.proof import ProofForm
from relay.store import Windows

TOKEN, VIEW = "false-admin-token", "false-view-token"
SECRET = "false-secret-0001-0001"


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as it:
        yield it


@pytest.fixture
async def admin(ledger, clock, session):
    """Starts a listener; answers a function that asks it for (status, headers, JSON or text)."""
    runners = []

    async def start(**options):
        metrics = options.pop("metrics", None) or Metrics()
        runner, port = await server.listen(Admin(ledger, metrics, clock, **options).app(), "127.0.0.1", 0)
        runners.append(runner)

        async def ask(path, token=None, host=None, method="GET"):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            headers |= {"Host": host} if host else {}
            async with session.request(method, f"http://127.0.0.1:{port}{path}", headers=headers) as answer:
                read = answer.text if answer.content_type == "text/plain" else answer.json
                return answer.status, answer.headers, await (read() if read == answer.text else read(content_type=None))

        return ask

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def some_events(ledger, clock, call):
    proof = ProofForm.model_validate({"header": "X-S", "secret": SECRET}).proof()
    intake = Intake(ledger, clock, Metrics())
    for number in range(3):
        body = str(call(call_id=f"c{number}")).replace("'", '"').replace("None", "null").encode()
        await intake.webhook(Source("phone", "callscaler", proof), [("X-S", SECRET)], body, "192.0.2.9")
    await intake.webhook(Source("phone", "callscaler", proof), [("X-S", "guess-001")], b"{}", "192.0.2.9")
    await intake.drain()

    def decide(event, known):
        owed = Delivery(
            f"dlv-{event.key}", event.id, f"run-{event.key}", "rule", "v1", 0, "send", "desk", State.DUE,
            due_at=clock() - 60, first_due_at=clock() - 60, action={"message": "hi"},
        )  # fmt: skip
        return Plan((Verdict("rule", "ran"),), (owed,))

    await ledger.plan(decide, now=clock(), config="v1", windows=Windows(), prefix=lambda number: number[:5], limit=9)


PATHS = ["/metrics", "/api/events", "/api/events/last", "/api/deliveries", "/api/texts", "/api/refused", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
async def test_with_a_token_set_every_path_needs_one(admin, path):
    ask = await admin(token=TOKEN, view_token=VIEW)
    for token in (None, "wrong", TOKEN + "x", ""):
        status, headers, told = await ask(path, token)
        assert (status, told["status"]) == (401, 401)
        assert headers["WWW-Authenticate"] == "Bearer"
        assert headers["Cache-Control"] == "no-store"
    assert {(await ask(path, token))[0] for token in (TOKEN, VIEW)} <= {200, 404}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_whether_it_lives_needs_no_token(admin, path):
    assert (await (await admin(token=TOKEN))(path))[0] == 200


@pytest.mark.parametrize("path", PATHS[:-1])
async def test_without_a_token_loopback_is_served(admin, path, some_events):
    assert (await (await admin())(path))[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8081", "localhost.evil.example", "127.0.0.1.evil.example"]
)
async def test_a_foreign_host_is_misdirected(admin, host):
    ask = await admin(hosts=["relay.example"])
    for path in ("/api/events", "/healthz"):
        assert (await ask(path, host=host))[0] == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8081", "127.0.0.1:1", "[::1]:8081", "[::1]", "relay.example"])
async def test_our_own_names_are_served(admin, host):
    assert (await (await admin(hosts=["relay.example"]))("/api/events", host=host))[0] == 200


async def test_readiness_tells_the_reasons(admin):
    status, _, told = await (await admin(ready=lambda: ["planner: KeyError"]))("/readyz")
    assert (status, told) == (503, {"ready": False, "reasons": ["planner: KeyError"]})


async def test_events_come_newest_first_page_by_page(admin, some_events):
    ask = await admin()
    _, _, first = await ask("/api/events?limit=2")
    _, _, rest = await ask(f"/api/events?limit=2&before={first['next']}")
    assert [event["call_id"] for event in first["events"] + rest["events"]] == ["c2", "c1", "c0"]
    assert rest["next"] is None
    assert len((await ask("/api/events?person=%2B13125550101"))[2]["events"]) == 3
    assert (await ask("/api/events?person=%2B13125550199"))[2]["events"] == []


@pytest.fixture
async def much_kept(ledger, clock):
    """Five of each; opt-outs and runs of one moment among them."""
    for n in range(5):
        await ledger.opt_out(f"+1312555010{n}", now=clock() + n // 3, how="STOP")
        await ledger.open_alert(f"cause {n}", "It is full.", "Free some.", now=clock())
        await ledger.add_run(NumberRun(f"run_{n}", "plan", "groups", clock() + n // 3), [])


@pytest.mark.parametrize(
    ("path", "name", "key"),
    [("/api/optouts", "opt_outs", "number"), ("/api/alerts", "alerts", "cause"), ("/api/moves", "runs", "id")],
)
async def test_a_list_is_read_to_its_end_by_what_each_page_calls_next(admin, much_kept, path, name, key):
    ask = await admin()
    whole = [row[key] for row in (await ask(path))[2][name]]
    pages, query = [], "?limit=2"
    while query:
        told = (await ask(path + query))[2]
        pages.append([row[key] for row in told[name]])
        query = told["next"] and f"?limit=2&before={told['next']}"
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [row for page in pages for row in page] == whole
    for bent in ("x", "1~", "1~x y", "-1", "1e9~1"):
        assert (await ask(f"{path}?before={bent}"))[0] == 400


async def test_one_event_has_its_verdicts_and_deliveries(admin, some_events):
    ask = await admin()
    _, _, told = await ask("/api/events/c1")
    assert (told["event"]["call_id"], told["verdicts"][0]["word"]) == ("c1", "ran")
    assert told["deliveries"][0]["id"] == "dlv-c1"
    status, headers, told = await ask("/api/events/none")
    assert (status, told["detail"]) == (404, "There is no such event.")
    assert headers["Content-Type"].startswith("application/problem+json")


async def test_deliveries_are_told_by_state(admin, some_events):
    ask = await admin()
    assert len((await ask("/api/deliveries?state=due"))[2]["deliveries"]) == 3
    assert (await ask("/api/deliveries?state=dead"))[2]["deliveries"] == []
    status, _, told = await ask("/api/deliveries?state=lost")
    assert status == 400
    assert "due" in told["detail"]


async def test_refused_requests_are_told_without_their_secrets(admin, some_events):
    _, _, told = await (await admin())("/api/refused")
    [note] = told["refused"]
    assert (note["status"], note["remote"], note["headers"]) == (401, "192.0.2.9", {"X-S": "…"})


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "limit=-1", f"limit={'9' * 5000}", f"before={'9' * 30}", "before=x", "limit=٣"],
)
async def test_a_page_that_is_none_is_400_and_never_500(admin, query):
    assert (await (await admin())(f"/api/events?{query}"))[0] == 400


async def test_other_methods_are_405(admin):
    assert (await (await admin())("/api/events", method="POST"))[0] == 405


async def test_a_mistake_of_ours_is_told_without_a_trace(admin):
    def broken():
        raise ZeroDivisionError("oops")

    status, _, told = await (await admin(ready=broken))("/readyz")
    assert status == 500
    assert "oops" not in str(told)


async def test_metrics_have_the_names_of_the_contract_and_no_person(admin, some_events, clock):
    metrics = Metrics()
    metrics.event("phone", "accepted")
    metrics.tried("desk", "delivered", 0.02)
    metrics.judged([("Text back", "ran")])
    metrics.connectors(["desk"])
    metrics.reloaded(good=True)
    status, headers, text = await (await admin(metrics=metrics))("/metrics")
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    for line in (
        'relay_events_total{outcome="accepted",source="phone"} 1.0',
        'relay_deliveries_total{connector="desk",outcome="delivered"} 1.0',
        "relay_delivery_seconds_count 1.0",
        'relay_queue_depth{state="due"} 3.0',
        'relay_queue_depth{state="dead"} 0.0',
        "relay_queue_oldest_seconds 60.0",
        'relay_verdicts_total{rule="Text back",verdict="ran"} 1.0',
        'relay_breaker_state{connector="desk"} 0.0',
        "relay_config_reload_success 1.0",
    ):
        assert f"\n{line}\n" in f"\n{text}"
    assert "relay_build_info{" in text
    assert "+1312" not in text
