import inspect
import io
import re

import pytest

from relay.callscaler.operations import Kind, Place
from relay.callscaler.table import OPERATIONS

DOCUMENT = """
    GET /numbers
    GET /numbers/:id
    POST /numbers/search
    POST /numbers/purchase
    PATCH /numbers/:id
    DELETE /numbers/:id
    GET /call-flows
    GET /call-flows/:id
    POST /call-flows
    PUT /call-flows/:id
    DELETE /call-flows/:id
    GET /call-flows/:id/versions
    GET /number-groups
    GET /number-groups/bulk-stats
    GET /number-groups/:id/members
    POST /number-groups
    PUT /number-groups/:id
    DELETE /number-groups/:id
    POST /number-groups/:id/members
    DELETE /number-groups/:id/members/:id
    GET /number-pools
    POST /number-pools
    GET /number-pools/:id
    PUT /number-pools/:id
    DELETE /number-pools/:id
    GET /voicemails
    GET /voicemails/:id
    GET /voicemails/:id/recording
    GET /conversations
    GET /texts
    GET /sms
    POST /texts
    GET /forms
    GET /forms/:id
    GET /billing/balance
    GET /billing/history
    GET /api-keys
    POST /api-keys
    DELETE /api-keys/:id
    GET /webhooks/deliveries
    GET /dashboard/stats
"""
"""What the Resources API document lists, in its order."""

SAMPLES = {Kind.INTEGER: 3, Kind.DECIMAL: 1.5, Kind.YES_NO: True, Kind.LIST: ["a", "b"], Kind.JSON: [{"type": "x"}]}
ALL = sorted(OPERATIONS)


def sample(operation):
    return {
        p.name: SAMPLES.get(p.kind, f"{p.name}-1")
        for p in operation.parameters
        if p.kind is not Kind.FIELDS and p.name not in {"page", "per_page"}
    }


@pytest.mark.parametrize("name", ALL)
async def test_each_operation_reaches_its_method_and_path_with_every_parameter_in_its_place(make_client, service, name):
    operation = OPERATIONS[name]
    values = sample(operation)
    service.says((200, b"bytes", {"Content-Type": "audio/mpeg"}) if operation.file else answer_of(name))
    resource, action = operation.attribute
    more = {"to": io.BytesIO()} if operation.file else {}
    got = getattr(getattr(make_client(everything=True), resource), action)(**values, **more)
    if inspect.isasyncgen(got):
        assert [row async for row in got]
    else:
        await got
    asked = service.asked[0]
    path = re.sub(r"\{(\w+)\}", lambda m: values[m[1]], operation.path)
    assert (asked.method, asked.path) == (operation.method, path)
    for parameter in operation.parameters:
        if parameter.name not in values:
            continue
        value = values[parameter.name]
        match parameter.place:
            case Place.QUERY:
                sent = "true" if value is True else ",".join(value) if isinstance(value, list) else str(value)
                assert asked.query[parameter.name] == sent
            case Place.BODY:
                assert asked.body[parameter.name] == value
            case Place.HEADER:
                assert asked.headers["Idempotency-Key"] == value


def answer_of(name):
    if name == "analytics calls":
        return {"data": [{"count": 1}]}
    return {"data": {"rows": [{"id": "x", "phone_number": "+15735550142"}], "id": "x", "has_more": False}}


def test_the_table_holds_exactly_the_operations_of_the_resources_document():
    documented = {tuple(line.split()) for line in DOCUMENT.strip().splitlines()}
    table = {(o.method, re.sub(r"\{\w+\}", ":id", o.path)) for o in OPERATIONS.values() if o.seed}
    assert table == documented
    assert len(table) == 41


def test_no_two_operations_share_a_name_or_an_address():
    assert len(OPERATIONS) == 54
    assert len({operation.address for operation in OPERATIONS.values()}) == 54
