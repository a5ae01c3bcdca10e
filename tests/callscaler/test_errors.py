import asyncio
import socket

import pytest

from relay.callscaler import CallScaler
from relay.errors import (
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unclear,
    Unfunded,
)
from relay.http import Http, Network

TEXT = {"from_number_id": "n1", "to": "+15735550123", "body": "hello"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "unauthorized"}, "unauthorized"),
        ({"error": {"code": "401", "message": "Invalid API key"}}, "Invalid API key"),
        ({"error": "unauthorized", "message": "Key revoked"}, "unauthorized: Key revoked"),
        ("<html>no</html>", "an HTML page"),
        (b"", ""),
        (b"null", ""),
        ([1, 2], ""),
        ({"error": {"code": 401}}, ""),
    ],
)
async def test_every_documented_shape_of_an_error_becomes_one_sentence_that_says_what_to_do(
    client, service, body, words
):
    service.says((401, body))
    with pytest.raises(Unauthorized, match="create a key in CallScaler under Settings, API Keys") as caught:
        await client.numbers.list()
    assert words in str(caught.value)
    assert str(caught.value).startswith("GET /numbers: answered 401")
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (402, Unfunded),
        (403, Forbidden),
        (404, NotFound),
        (409, Invalid),
        (410, NotFound),
        (422, Invalid),
        (429, RateLimited),
        (302, Rejected),
        (408, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_the_status_of_a_read_decides_the_kind_of_error(client, service, status, kind):
    service.says((status, {"error": "no"}))
    with pytest.raises(kind) as caught:
        await client.call_flows.list()
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
async def test_a_post_answered_with_a_server_error_is_unclear_and_asked_only_once(client, service, status):
    service.says((status, {"error": "oops"}))
    with pytest.raises(Unclear):
        await client.messages.send(**TEXT)
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "answer", ["<html>fine</html>", b"", b"null", b"{", {"data": {}}, {"error": "later"}, [], {"id": ""}]
)
async def test_a_text_whose_answer_names_no_id_is_unclear(client, service, answer):
    service.says(answer)
    with pytest.raises(Unclear):
        await client.messages.send(**TEXT)
    assert len(service.asked) == 1


async def test_a_text_that_was_answered_429_was_provably_not_sent(client, service, waits):
    service.says((429, {"error": "slow down"}, {"Retry-After": "7"}))
    with pytest.raises(RateLimited) as caught:
        await client.messages.send(**TEXT)
    assert caught.value.retry_after == 7
    assert len(service.asked) == 1
    assert waits == []


async def test_a_text_to_a_closed_port_is_unavailable_as_nothing_was_sent(http, key):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = CallScaler(http, api_key=key, base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(Unavailable, match="nobody listens at"):
            await client.messages.send(**TEXT)


async def test_a_text_whose_connection_was_cut_is_unclear(client, service):
    async def cut(request):
        request.transport.abort()
        return b""

    service.says(cut)
    with pytest.raises(Unclear):
        await client.messages.send(**TEXT)
    assert len(service.asked) == 1


async def test_a_text_that_is_not_answered_in_time_is_unclear(make_client, service):
    over = asyncio.Event()

    async def hang(request):
        await over.wait()
        return b""

    service.says(hang)
    with pytest.raises(Unclear, match=r"within 0\.05 s"):
        await make_client(timeout=0.05).messages.send(**TEXT)
    over.set()


@pytest.mark.parametrize(
    "answer",
    [
        "<html>sign in</html>",
        b"",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        {"error": "later"},
        {"data": None},
        {"data": 3},
        {"data": {}},
    ],
)
async def test_a_listing_answered_with_something_else_is_unavailable(client, service, answer):
    service.says(answer)
    with pytest.raises(Unavailable, match="GET /numbers"):
        await client.numbers.list()


async def test_ten_megabytes_of_json_are_not_read_to_the_end(client, service):
    service.says(b'{"data": {"numbers": [' + b"1," * 5_000_000 + b"1]}}")
    with pytest.raises(Unavailable, match="more than 2048 KiB"):
        await client.numbers.list()


async def test_a_key_of_the_retired_api_is_named_as_such(make_client, service):
    service.says((401, {"error": "no such key: 17|false0false"}))
    with pytest.raises(Unauthorized, match=r"retired v2 API.*begins with cs_key_") as caught:
        await make_client(api_key="17|false0false").numbers.list()
    assert "false0false" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["", "  ", "cs_key_a\r\nX-Evil: 1", "cs_key_ä", "cs key"])
async def test_a_key_that_is_missing_or_no_key_is_refused_before_anything_is_sent(make_client, service, wrong):
    service.says({"data": {"numbers": []}})
    with pytest.raises(Unauthorized, match="create a key"):
        await make_client(api_key=wrong).numbers.list()
    assert service.asked == []


async def test_the_key_is_in_no_message_even_when_the_service_repeats_it(client, service, key):
    other = "cs_key_" + "b" * 32
    service.says((403, {"error": f"key {key} and {other} may not\x1b[2J do this"}))
    with pytest.raises(Forbidden) as caught:
        await client.numbers.list()
    assert key not in str(caught.value)
    assert other not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert key not in repr(vars(client)) + repr([vars(v) for v in vars(client).values()]) + repr(
        vars(client.numbers._transport)
    )


async def test_a_private_address_is_refused_unless_it_was_permitted(service, key):
    http = Http(Network(allow_http=True))
    client = CallScaler(http, api_key=key, base_url=service.url)
    with pytest.raises(Rejected):
        await client.numbers.list()
    with pytest.raises(Rejected):
        await anext(client.messages.texts())
    assert service.asked == []
    await http.close()


async def test_plain_http_is_refused_unless_it_was_permitted(http, key):
    client = CallScaler(Http(), api_key=key, base_url="http://callscaler.example/api/v1")
    with pytest.raises(Rejected, match="https"):
        await client.numbers.list()


async def test_a_base_url_with_a_query_is_refused(make_client, service):
    with pytest.raises(Rejected, match="query"):
        await make_client(base_url=f"{service.url}?a=1").numbers.list()
