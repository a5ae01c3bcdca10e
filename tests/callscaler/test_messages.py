import asyncio
import json
import tracemalloc
from contextlib import aclosing

import pytest
from aiohttp import web

from relay.errors import Invalid, NotFound, Unauthorized, Unavailable


def texts(*ids):
    return {"data": {"texts": [{"id": id_, "from": "+15735550142", "to": "+15735550123"} for id_ in ids], "total": 9}}


async def ids(rows):
    return [row.id async for row in rows]


async def test_a_text_is_sent_once_with_the_documented_body_and_the_key_of_its_delivery(client, service):
    service.says({"data": {"text": {"id": "t1", "from": "+15735550142", "to": "+15735550123", "segments": 1}}})
    text = await client.messages.send(from_number_id="n1", to="+15735550123", body="hello", idempotency_key="d-1")
    assert (text.id, text.from_number, text.to, text.model_extra) == (
        "t1",
        "+15735550142",
        "+15735550123",
        {"segments": 1},
    )
    (asked,) = service.asked
    assert (asked.method, asked.path) == ("POST", "/texts")
    assert asked.body == {"from_number_id": "n1", "to": "+15735550123", "body": "hello"}
    assert asked.headers["Idempotency-Key"] == "d-1"


@pytest.mark.parametrize(
    "body", [{"id": "t1"}, {"data": {"id": "t1"}}, {"data": {"message": {"id": "t1"}}}, {"data": {"sent": {"id": 7}}}]
)
async def test_the_id_of_a_text_is_found_in_every_likely_place(client, service, body):
    service.says((201, body))
    assert (await client.messages.send(from_number_id="n1", to="+15735550123", body="x")).id in {"t1", "7"}


@pytest.mark.parametrize("wrong", ["a\r\nX-Evil: 1", "", "ä"])
async def test_a_key_that_can_not_travel_in_a_header_is_refused_before_sending(client, service, wrong):
    service.says({"data": {"id": "t1"}})
    with pytest.raises(Invalid, match="idempotency_key"):
        await client.messages.send(from_number_id="n1", to="+15735550123", body="x", idempotency_key=wrong)
    assert service.asked == []


async def test_texts_are_read_by_offset_until_a_page_adds_no_new_id(client, service):
    service.says(texts("a", "b"), texts("b", "c"), texts("c"))
    assert await ids(client.messages.texts()) == ["a", "b", "c"]
    assert [asked.query for asked in service.asked] == [
        {"limit": "100"},
        {"limit": "100", "offset": "2"},
        {"limit": "100", "offset": "4"},
    ]


async def test_a_listing_that_knows_no_paging_is_read_twice_and_shown_once(client, service):
    service.says(texts("a", "b"))
    assert await ids(client.messages.texts()) == ["a", "b"]
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    "body",
    [
        [{"id": "a"}],
        {"texts": [{"id": "a"}], "total": 1},
        {"data": [{"id": "a"}]},
        {"total": 1, "data": {"total": 1, "note": 'say "hi" [', "texts": [{"id": "a"}]}},
        {"data": {"pagination": {"total": 1}, "texts": [{"id": "a"}]}},
        {"data": {"rows": [{"id": "a"}]}},
    ],
)
async def test_texts_are_found_in_every_likely_shape(client, service, body):
    service.says(body)
    assert await ids(client.messages.texts()) == ["a"]


@pytest.mark.parametrize("body", [{"data": {"texts": []}}, {"data": {"texts": None}}, []])
async def test_no_texts_are_no_error(client, service, body):
    service.says(body)
    assert await ids(client.messages.texts()) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html></html>",
        b'{"data": {"texts": [{"id": "a"}',
        b'{"data": {"texts": [{"id": "a"}, ',
        b'{"data": {"texts": [{"id": "a"}, 3]}}',
        b'{"data": {"texts": [' + b'{"a":' * 50_000,
        b'\xff{"data"',
        b'{"data": {"texts": 4}}',
        {"error": "later"},
    ],
)
async def test_texts_that_can_not_be_read_to_the_end_are_an_error_and_never_an_empty_list(client, service, body):
    service.says(body)
    with pytest.raises(Unavailable, match="GET /texts"):
        await ids(client.messages.texts())


async def test_opening_the_listing_is_tried_again_and_errors_are_told_apart(client, service, waits):
    service.says((503, ""), texts("a"))
    assert await ids(client.messages.texts()) == ["a"]
    assert waits == [0.5]
    service.says((404, {"error": "no"}))
    with pytest.raises(NotFound):
        await ids(client.messages.sms())
    service.says((401, {"error": "unauthorized"}))
    with pytest.raises(Unauthorized, match="create a key"):
        await ids(client.messages.texts())


async def test_rows_come_out_before_the_listing_has_ended_and_leaving_early_closes_it(client, service):
    async def slow(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"data": {"texts": [{"id": "a", "body": "caf\xc3')
        await response.write(b'\xa9 \\" ]"}, {"id"')
        await over.wait()
        return response

    over = asyncio.Event()
    service.says(slow)
    async with aclosing(client.messages.texts()) as rows:
        assert (await anext(rows)).body == 'café " ]'
    over.set()


async def test_a_listing_of_thirty_megabytes_is_never_held_whole(client, service):
    row = json.dumps({"body": "x" * 3000, "id": "%"})

    async def long(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"data": {"texts": [')
        if "offset" not in request.query:
            for n in range(10_000):
                await response.write((row.replace("%", f"t{n}") + ",").encode())
            await response.write(row.encode())
        await response.write(b"]}}")
        return response

    service.says(long)
    tracemalloc.start()
    count = len([None async for _ in client.messages.texts()])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 10_001
    assert peak < 8_000_000


async def test_a_listing_over_its_cap_is_an_error(client, service, monkeypatch):
    monkeypatch.setattr("relay.callscaler.messages.TEXTS_CAP", 1000)
    service.says(texts(*range(100)))
    with pytest.raises(Unavailable, match="larger than"):
        await ids(client.messages.texts())


async def test_a_row_that_never_ends_is_given_up_long_before_the_cap(client, service):
    service.says(b'{"data": {"texts": [{"id": "' + b"x" * 3_000_000)
    with pytest.raises(Unavailable, match="a row of more than 2048 KiB"):
        await ids(client.messages.texts())
