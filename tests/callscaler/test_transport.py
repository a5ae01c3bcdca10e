import subprocess
import sys

import pytest

from relay.callscaler.operations import Deed
from relay.callscaler.table import OPERATIONS
from relay.errors import Forbidden, Invalid, NotFound, RateLimited, Unauthorized, Unavailable
from tests.patience import PATIENCE

EMPTY = {"data": {"numbers": [], "total": 0}}


async def test_a_read_is_tried_again_after_a_server_error_and_waits_longer_each_time(client, service, waits):
    service.says((500, ""), (503, ""), EMPTY)
    assert await client.numbers.list() == []
    assert waits == [0.5, 1.0]


async def test_a_read_waits_as_long_as_retry_after_says(client, service, waits):
    service.says((429, "", {"Retry-After": "4"}), EMPTY)
    assert await client.numbers.list() == []
    assert waits == [4.0]


async def test_a_long_retry_after_is_told_to_the_caller_instead_of_waited_for(client, service, waits):
    service.says((429, "", {"Retry-After": "120"}))
    with pytest.raises(RateLimited) as caught:
        await client.numbers.list()
    assert caught.value.retry_after == 120
    assert waits == []


async def test_a_read_is_given_up_after_three_tries(client, service):
    service.says((500, ""))
    with pytest.raises(Unavailable, match="answered 500"):
        await client.numbers.list()
    assert len(service.asked) == 3


@pytest.mark.parametrize("name", [o.name for o in OPERATIONS.values() if o.method != "GET"])
async def test_nothing_but_a_get_is_ever_sent_twice(make_client, service, name):
    service.says((503, ""))
    operation = OPERATIONS[name]
    values = {p.name: {} if p.kind == "fields" else "x" for p in operation.parameters}
    with pytest.raises(Exception, match="answered 503"):
        await make_client(everything=True).numbers._transport.ask(name, values)
    assert len(service.asked) == 1


@pytest.mark.parametrize("name", [o.name for o in OPERATIONS.values() if o.deed is Deed.FINAL])
async def test_what_costs_money_or_cannot_be_undone_is_off(client, service, name):
    service.says({"data": {"id": "x"}})
    resource, action = OPERATIONS[name].attribute
    values = {p.name: "x" for p in OPERATIONS[name].parameters if p.required}
    with pytest.raises(Forbidden, match="is off"):
        await getattr(getattr(client, resource), action)(**values)
    assert service.asked == []


def test_all_that_deletes_buys_or_makes_keys_is_marked_final():
    final = {operation.address for operation in OPERATIONS.values() if operation.deed is Deed.FINAL}
    assert final == {
        "POST /numbers/purchase",
        "DELETE /numbers/{id}",
        "DELETE /call-flows/{id}",
        "DELETE /number-groups/{id}",
        "DELETE /number-pools/{id}",
        "POST /api-keys",
        "DELETE /api-keys/{id}",
    }


@pytest.mark.parametrize("wrong", ["", ".", "..", "a\nb", "x" * 201])
async def test_an_id_can_not_lead_to_another_path(client, service, wrong):
    service.says({"data": {}})
    with pytest.raises(Invalid, match="id is no id"):
        await client.call_flows.get(wrong)
    assert service.asked == []


async def test_slashes_and_questions_in_an_id_stay_inside_the_id(client, service):
    seen = []

    async def note(request):
        seen.append(request.raw_path)
        return {"data": {}}

    service.says(note)
    await client.number_groups.remove_member("g/../../api-keys", "n?x=1#y%2F")
    assert seen == ["/api/v1/number-groups/g%2F..%2F..%2Fapi-keys/members/n%3Fx=1%23y%252F"]


async def test_a_plus_sign_survives_the_query(client, service):
    service.says({"data": {"calls": [{"id": "c1"}]}})
    assert [call.id for call in await client.calls.search("+15735550123")] == ["c1"]
    assert service.asked[0].query == {"search": "+15735550123", "limit": "20"}


async def test_the_key_travels_as_a_bearer_without_the_newline_of_its_file(make_client, service, key):
    service.says(EMPTY)
    await make_client(api_key=f"{key}\n").numbers.list()
    assert service.asked[0].headers["Authorization"] == f"Bearer {key}"


async def test_a_number_that_has_no_path_of_its_own_is_found_in_the_list(client, service):
    service.says((404, {"error": "not found"}), {"data": {"numbers": [{"id": "n1"}, {"id": "n2"}], "total": 2}})
    assert (await client.numbers.get("n2")).id == "n2"


async def test_a_number_that_is_not_in_the_list_either_is_not_found(client, service):
    service.says((404, {"error": "not found"}), {"data": {"numbers": [{"id": "n1"}], "total": 1}})
    with pytest.raises(NotFound):
        await client.numbers.get("n2")


async def test_a_filter_that_does_not_exist_is_a_mistake_of_the_program(client):
    with pytest.raises(TypeError, match="calls list does not take since"):
        await anext(client.calls.list(since="2026-03-01"))


def test_importing_the_client_imports_no_more_of_the_relay_than_values_errors_and_requests():
    code = "import sys, relay.callscaler; relay.callscaler.CallScaler; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    loaded = {name for name in told.stdout.split() if name.startswith("relay.")}
    assert {name for name in loaded if not name.startswith(("relay.callscaler", "relay.models"))} == {
        "relay.deadlines",
        "relay.errors",
        "relay.exchange",
        "relay.failpoints",
        "relay.http",
        "relay.network",
        "relay.ticks",
        "relay.unreached",
    }


def test_reading_the_table_loads_neither_pydantic_nor_aiohttp():
    code = "import sys, relay.callscaler.table; print('pydantic' in sys.modules, 'aiohttp' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert told.stdout.split() == ["False", "False"]


async def test_a_key_that_was_refused_is_not_shown_again_for_five_minutes(make_client, service):
    now = [0.0]
    client = make_client(clock=lambda: now[0])
    service.says((401, {"error": "unauthorized"}), EMPTY)
    with pytest.raises(Unauthorized, match="answered 401"):
        await client.numbers.list()
    for now[0] in (1.0, 299.0):
        with pytest.raises(Unavailable, match="answered 401") as later:  # no try that the key failed
            await client.numbers.list()
        assert later.value.retry_after == 300.0 - now[0]
    assert len(service.asked) == 1
    now[0] = 300.0
    assert await client.numbers.list() == []
    now[0] = 301.0
    assert await client.numbers.list() == []
