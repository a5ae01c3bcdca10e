"""Client → sandbox → client: every operation of the document, and each of its fields."""

import io

import pytest

from relay.callscaler import CallScaler
from relay.callscaler.table import OPERATIONS
from relay.errors import Forbidden, Invalid, NotFound, RateLimited, Unauthorized, Unclear
from relay.sandbox import KINDS, Sandbox, SandboxSettings
from tests.patience import PATIENCE

NUMBER = "id phone_number friendly_name type call_flow_id call_flow_name group_id group_name status created_at"
FIELDS = {
    "numbers list": NUMBER,
    "numbers get": NUMBER,
    "numbers update": NUMBER,
    "numbers purchase": NUMBER,
    "call-flows get": "id name steps settings version assigned_numbers created_at",
    "number-groups members": NUMBER,
    "dashboard stats": "total_calls answered_calls missed_calls voicemail_calls qualified_calls unique_callers"
    " total_minutes average_duration",
    "api-keys create": "id name key prefix created_at",
    "webhook-deliveries list": "id call_id call_flow_id url status http_status attempts last_error created_at"
    " delivered_at",
    "billing balance": "balance_cents",
    "texts send": "id from_number to body status direction created_at",
    "calls list": "id direction status caller_number tracking_number duration_seconds created_at",
}
"""What the document shows of each answer, and for texts and calls what the relay needs."""


@pytest.fixture
async def sandbox(request):
    it = Sandbox(key="cs_key_" + "f" * 32, settings=getattr(request, "param", SandboxSettings()))
    await it.start()
    yield it
    await it.stop()


class Walk:
    """Calls operations by name, and remembers which and what came back."""

    def __init__(self, client):
        self.client = client
        self.done = set()

    async def __call__(self, name, /, *given, **values):
        resource, action = OPERATIONS[name].attribute
        got = getattr(getattr(self.client, resource), action)(*given, **values)
        answer = [row async for row in got] if hasattr(got, "__aiter__") else await got
        self.done.add(name)
        for thing in answer if isinstance(answer, list) else [answer]:
            missing = set(FIELDS.get(name, "").split()) - (thing.model_fields_set if FIELDS.get(name) else set())
            assert not missing, f"{name}: {sorted(missing)} not told"
        assert not isinstance(answer, list) or answer, f"{name} answered nothing"
        return answer


@pytest.fixture
def walk(http, sandbox):
    async def wait(seconds):
        pass

    url = f"{sandbox.url}/api/v1"
    return Walk(CallScaler(http, api_key=sandbox.key, base_url=url, everything=True, sleep=wait))


async def numbers(walk):
    number = (await walk("numbers list"))[0]
    assert (await walk("numbers get", number.id)).phone_number == number.phone_number
    offer = (await walk("numbers search", "573"))[0]
    bought = await walk("numbers purchase", offer.phone_number)
    assert (await walk("numbers update", bought.id, friendly_name="Radio")).label == "Radio"
    assert await walk("numbers bulk-stats")
    assert await walk("numbers stats", number.id)
    csv = io.BytesIO()
    await walk("numbers export", to=csv)
    assert number.phone_number.encode() in csv.getvalue()
    await walk("numbers release", bought.id)


async def call_flows(walk):
    flow = await walk("call-flows create", "Ads", steps=[{"type": "greeting", "message": "Hi"}])
    await walk("call-flows update", flow.id, name="Ads 2", settings={"recording": True})
    told = await walk("call-flows get", flow.id)
    assert (told.name, told.steps[0].message, told.settings.recording, told.version) == ("Ads 2", "Hi", True, 2)
    assert len(await walk("call-flows versions", flow.id)) == 2
    assert (await walk("call-flows restore", flow.id, 1)).name == "Ads"
    copy = await walk("call-flows duplicate", flow.id)
    assert {flow.id, copy.id} <= {row.id for row in await walk("call-flows list")}
    number = (await walk("numbers list"))[0]
    assert (await walk("numbers update", number.id, call_flow_id=flow.id)).call_flow_name == "Ads"
    assert [row.id for row in await walk("call-flows numbers", flow.id)] == [number.id]
    await walk("call-flows delete", copy.id)


async def groups_and_pools(walk):
    group, number = await walk("number-groups create", "Kept aside"), (await walk("numbers list"))[0]
    await walk("number-groups add-members", group.id, [number.id])
    assert [row.id for row in await walk("number-groups members", group.id)] == [number.id]
    assert group.id in await walk("number-groups bulk-stats")
    await walk("number-groups remove-member", group.id, number.id)
    assert (await walk("number-groups update", group.id, "Silent")).name == "Silent"
    assert group.id in {row.id for row in await walk("number-groups list")}
    await walk("number-groups delete", group.id)

    pool = await walk("number-pools create", "Site")
    assert (await walk("number-pools update", pool.id, name="Shop")).name == "Shop"
    assert (await walk("number-pools get", pool.id)).name == "Shop"
    assert pool.id in {row.id for row in await walk("number-pools list")}
    await walk("number-pools delete", pool.id)


async def messages_and_money(walk):
    balance = await walk("billing balance")
    sender = next(row for row in await walk("numbers list") if row.sms_enabled)
    text = await walk("texts send", from_number_id=sender.id, to="+15735550123", body="hello")
    assert (text.from_number, text.to, text.body) == (sender.phone_number, "+15735550123", "hello")
    assert (await walk("billing balance")).balance_cents < balance.balance_cents
    assert text.id in {row.id for row in await walk("texts list")}
    assert text.id in {row.id for row in await walk("sms list")}
    assert await walk("conversations list")
    assert await walk("billing history")


async def what_people_left(walk):
    voicemail = (await walk("voicemails list"))[0]
    assert (await walk("voicemails get", voicemail.id)).id == voicemail.id
    audio = io.BytesIO()
    assert await walk("voicemails recording", voicemail.id, audio) == len(audio.getvalue()) > 0
    form = (await walk("forms list"))[0]
    assert (await walk("forms get", form.id)).id == form.id


async def keys_and_webhooks(walk, sandbox):
    made = await walk("api-keys create", "CRM Integration")
    assert made.key.get_secret_value().startswith(made.prefix)
    assert made.id in {row.id for row in await walk("api-keys list")}
    await walk("api-keys revoke", made.id)
    sandbox.point_webhook(None, f"{sandbox.url}/nowhere", {}, retries=())
    await sandbox.phone.ring("missed", caller="+15735550123")
    await sandbox.phone.settled()
    (delivery,) = await walk("webhook-deliveries list", status="failed")
    assert (delivery.http_status, delivery.delivered_at) == (404, None)


async def calls_and_figures(walk):
    stats = await walk("dashboard stats")
    assert stats.answered_calls + stats.missed_calls + stats.voicemail_calls == stats.total_calls
    rows = await walk("calls list", limit=5)
    assert len({call.id for call in rows}) == len(rows) >= stats.total_calls
    call = next(row for row in rows if row.recording_url)
    assert (await walk("calls get", call.id)).caller_number == call.caller_number
    assert {row.id for row in await walk("calls batch", [row.id for row in rows[:3]])} == {r.id for r in rows[:3]}
    await walk("calls transcription", call.id)
    assert await walk("calls recording", call.id, io.BytesIO())
    csv = io.BytesIO()
    await walk("calls export", to=csv)
    assert call.id.encode() in csv.getvalue()
    assert (await walk("analytics calls", "status")).rows


async def test_every_operation_goes_from_the_client_through_the_sandbox_and_back(walk, sandbox):
    for part in (
        numbers,
        call_flows,
        groups_and_pools,
        messages_and_money,
        what_people_left,
        calls_and_figures,
    ):
        await part(walk)
    await keys_and_webhooks(walk, sandbox)
    assert walk.done == set(OPERATIONS)


async def test_a_revoked_key_stops_working_at_once_and_the_error_says_what_to_do(walk, http, sandbox):
    made = await walk("api-keys create", "short-lived")
    other = CallScaler(http, api_key=made.key, base_url=f"{sandbox.url}/api/v1")
    assert await other.numbers.list()
    await walk("api-keys revoke", made.id)
    with pytest.raises(Unauthorized, match="create a key"):
        await other.numbers.list()


async def test_refusals_of_the_sandbox_become_the_right_errors(walk, http, sandbox):
    with pytest.raises(NotFound):
        await walk("call-flows get", "00000000-0000-4000-8000-000000000000")
    silent = next(row for row in await walk("numbers list") if not row.sms_enabled)
    with pytest.raises(Invalid):
        await walk("texts send", from_number_id=silent.id, to="+15735550123", body="hello")
    careful = CallScaler(http, api_key=sandbox.key, base_url=f"{sandbox.url}/api/v1")
    with pytest.raises(Forbidden, match="is off"):
        await careful.numbers.release(silent.id)


async def test_search_finds_the_calls_of_a_number(walk):
    caller = next(call.caller_number for call in await walk("calls list") if call.caller_number)
    found = await walk.client.calls.search(caller)
    assert found
    assert {caller in (row.caller_number, row.destination_number) for row in found} == {True}


OLDER = SandboxSettings(errors="documented", number_lookup=False, nested_pagination=True, texts_paging=False)


@pytest.mark.parametrize("sandbox", [OLDER], indirect=True)
async def test_other_generations_of_the_service_are_understood(walk, http, sandbox):
    number = (await walk("numbers list"))[0]
    assert (await walk("numbers get", number.id)).id == number.id
    calls = await walk("calls list", limit=5)
    assert len({call.id for call in calls}) == len(calls) > 5
    sent = [await walk("texts send", from_number_id=number.id, to="+15735550123", body=str(n)) for n in range(3)]
    assert {text.id for text in sent} <= {text.id for text in await walk("texts list", limit=1)}
    wrong = CallScaler(http, api_key="cs_key_false", base_url=f"{sandbox.url}/api/v1")
    with pytest.raises(Unauthorized, match="Invalid API key"):
        await wrong.numbers.list()


@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_goes_wrong_a_text_is_asked_for_once_and_its_fate_is_told(http, sandbox, until, kind):
    client = CallScaler(http, api_key=sandbox.key, base_url=f"{sandbox.url}/api/v1")
    sender = next(row for row in await client.numbers.list() if row.sms_enabled)
    before = len(sandbox.texts())
    sandbox.faults.next("POST", "/texts", kind)
    patience = 0.5 if "hang" in kind else PATIENCE
    brisk = CallScaler(http, api_key=sandbox.key, base_url=f"{sandbox.url}/api/v1", timeout=patience)
    ends = {"slow": None, "429": RateLimited}.get(kind, Unclear)
    try:
        await brisk.messages.send(from_number_id=sender.id, to="+15735550123", body="hello")
        ended = None
    except (RateLimited, Unclear) as failure:
        ended = type(failure)
    assert ended is ends
    await until(lambda: sandbox.faults.seen and len(sandbox.texts()) - before >= KINDS[kind].acts)
    assert len(sandbox.texts()) - before == KINDS[kind].acts
    assert sandbox.faults.seen == {kind: 1}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "hang" not in kind])
async def test_whatever_goes_wrong_once_a_reading_ends_well(walk, sandbox, kind):
    sender = next(row for row in await walk("numbers list") if row.sms_enabled)
    await walk("texts send", from_number_id=sender.id, to="+15735550123", body="hello")
    for path in ("/numbers", "/texts", "/calls"):
        sandbox.faults.next("GET", path, kind)
    assert await walk("numbers list")
    assert await walk("texts list")
    assert await walk("calls list")
