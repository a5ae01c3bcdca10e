"""The public door over raw sockets: every status of the contract, and what strangers try."""

import asyncio
import gzip
import ipaddress
import json

import pytest
from aiohttp import http_parser

from relay.intake.door import RefusalLimit
from tests.front import OLD, SECRET, open_door


@pytest.fixture
async def front(ledger, clock):
    async with open_door(ledger, clock) as it:
        yield it


def problem(answer, status):
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json["status"] == status
    assert answer.json["title"]
    return True


async def refused(ledger, front):
    await front.intake.drain()
    return (await ledger.requests(limit=100, kind="refused"))[0]


async def test_a_webhook_is_answered_202_after_its_commit_and_a_repeat_200_with_the_first_id(front, ledger, call):
    first, again = await front.post(call()), await front.post(call(caller_name="Somebody Else"))
    assert (first.status, first.json["duplicate"]) == (202, False)
    assert (again.status, again.json) == (200, {"event": first.json["event"], "duplicate": True})
    [event] = await ledger.events(limit=9)
    assert (event.id, event.caller) == (first.json["event"], "+13125550101")
    assert (front.count("accepted"), front.count("duplicate")) == (1, 1)


async def test_another_type_of_the_same_call_is_an_event_of_its_own(front, ledger, call):
    answers = [await front.post(call(event=kind)) for kind in ("call.completed", "call.missed")]
    assert [answer.status for answer in answers] == [202, 202]
    assert len(await ledger.events(limit=9)) == 2


async def test_a_repeat_with_fields_that_were_missing_raises_call_enriched_and_nothing_else(front, ledger, call):
    await front.post(call(event="call.completed"))
    again = await front.post(call(event="call.completed", ai_score=82, duration_seconds=9))
    third = await front.post(call(event="call.completed", ai_score=83))
    assert (again.status, third.status) == (200, 200)
    enriched, first = await ledger.events(limit=9)
    assert (enriched.type, enriched.call["ai_score"], enriched.call["duration"]) == ("call.enriched", 82, 0)
    assert first.type == "call.completed"


async def test_fifty_copies_at_once_are_one_event(front, ledger, call):
    answers = await asyncio.gather(*(front.post(call()) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [200] * 49 + [202]
    assert len({answer.json["event"] for answer in answers}) == 1
    assert len(await ledger.events(limit=99)) == 1


async def test_the_test_button_gets_200_and_is_kept_as_a_test(front, ledger):
    answer = await front.post({"message": "test"})
    assert (answer.status, answer.json) == (200, {"event": None})
    [note] = await ledger.requests(limit=9, kind="test")
    assert json.loads(note.body) == {"message": "test"}
    assert await ledger.events(limit=9) == []


async def test_an_unknown_type_is_kept_and_counted(front, ledger, call):
    answer = await front.post(call(event="call.transferred"))
    assert answer.status == 202
    assert front.count("unknown_type") == 1
    assert (await ledger.event("last")).type == "call.transferred"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Relay-Secret": None},
        {"X-Relay-Secret": "wrong"},
        {"X-Relay-Secret": ""},
        {"X-Relay-Secret": "wr\xf6ng"},
        {"X-Relay-Secret": SECRET, "x-relay-secret": SECRET},
        {"X-Relay-Secret": SECRET + "x"},
    ],
)
async def test_without_the_right_proof_it_is_401_with_always_the_same_body(front, ledger, call, headers):
    answer = await front.post(call(), headers=headers)
    assert problem(answer, 401)
    assert answer.body == (await front.post(call(), secret="other")).body
    assert await ledger.events(limit=9) == []
    assert front.count("refused") == 2


async def test_the_previous_secret_still_opens_while_it_is_being_replaced(front, call):
    assert (await front.post(call(), secret=OLD)).status == 202


async def test_refused_requests_stay_readable_without_what_they_must_not_tell(front, ledger, call):
    await front.post(call(), secret="guess-0001", headers={"User-Agent": "curl/8\xff", "Cookie": "crumbs"})
    note = await refused(ledger, front)
    assert (note.status, note.source, note.remote) == (401, "phone", "127.0.0.1")
    assert json.loads(note.body)["call_id"] == "c-0001"
    assert note.headers["X-Relay-Secret"] == note.headers["Cookie"] == "…"
    assert "guess-0001" not in str(note)
    assert "crumbs" not in str(note)


async def test_an_unknown_source_is_404(front, ledger, call):
    assert problem(await front.post(call(), path="/hooks/nobody"), 404)
    assert (await refused(ledger, front)).source == "unknown"
    assert problem(await front.post(call(), path="/elsewhere"), 404)
    assert problem(await front.post(call(), path="/hooks/%00%ff"), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
async def test_other_methods_are_405(front, method):
    answer = await front.post(b"", method=method)
    assert problem(answer, 405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "told", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", None, ";;;"]
)
async def test_another_content_type_is_415(front, call, told):
    assert problem(await front.post(call(), headers={"Content-Type": told}), 415)


@pytest.mark.parametrize(
    "told", ["application/json", "application/json; charset=utf-8", "application/cloudevents+json"]
)
async def test_json_by_any_of_its_names_is_taken(front, call, told):
    assert (await front.post(call(), headers={"Content-Type": told})).status == 202


@pytest.mark.parametrize("coding", ["gzip", "deflate", "unheard-of"])
async def test_a_compressed_body_is_415_and_never_unpacked(front, coding):
    bomb = gzip.compress(b"0" * 20_000_000)
    assert problem(await front.post(bomb, headers={"Content-Encoding": coding}), 415)


async def test_256_kib_are_taken_and_a_byte_more_is_413(front, call):
    def padded(size):
        body = json.dumps(call(padding="")).encode()
        return json.dumps(call(padding="x" * (size - len(body)))).encode()

    assert (await front.post(padded(262_144))).status == 202
    answer = await front.post(padded(262_145))
    assert problem(answer, 413)
    assert answer.closed


async def test_a_body_that_says_it_is_too_large_is_not_waited_for(front):
    head = f"POST /hooks/phone HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Relay-Secret: {SECRET}\r\n"
    answer = await front.raw(head.encode() + b"Content-Length: 262145\r\n\r\n{")
    assert problem(answer, 413)


async def test_a_byte_too_many_in_chunks_is_413(front):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer = await front.raw(chunked(chunk * 4 + b"1\r\nx\r\n0\r\n\r\n"))
    assert problem(answer, 413)


def chunked(body):
    head = f"POST /hooks/phone HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Relay-Secret: {SECRET}\r\n"
    return head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + body


async def test_a_body_in_chunks_is_read(front, call):
    body = json.dumps(call()).encode()
    assert (await front.raw(chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)))).status == 202


async def test_badly_framed_chunks_are_400(front):
    answer = await front.raw(chunked(b"zz\r\nnonsense\r\n"))
    assert answer.status == 400
    assert answer.closed


async def test_a_body_that_does_not_come_is_408_and_the_connection_closes(ledger, clock):
    async with open_door(ledger, clock, body_seconds=0.05) as front:
        head = (
            f"POST /hooks/phone HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Relay-Secret: {SECRET}\r\n"
        )
        answer = await front.raw(head.encode() + b"Content-Length: 100\r\n\r\n{")
        assert problem(answer, 408)
        assert answer.closed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"call_id":"a","call_id":"b"}',
        b'{"event":"call.missed","call_id":"a","x":NaN}',
        b'{"event":"call.missed","call_id":"a","x":1e999}',
        b'{"event":"call.missed","call_id":"a","x":9223372036854775808}',
        b'{"x":' + b"1" * 5000 + b"}",
        b"[" * 100_000,
        b"[" + b"{}," * 80_000 + b"{}]",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'{"event":"call.missed","call_id":"a","caller_number":["x"]}',
    ],
)
async def test_a_body_that_is_no_sound_json_is_400(front, body):
    assert problem(await front.post(body), 400)
    assert front.count("refused") == 1


@pytest.mark.parametrize(
    "body",
    [b"[]", b'"text"', b"null", b'{"event":"call.missed"}', b'{"call_id":"a"}', b'{"event":"call.missed","call_id":7}'],
)
async def test_json_that_is_no_usable_call_is_422(front, body):
    assert problem(await front.post(body), 422)


async def test_hostile_text_is_cleaned_before_it_is_written_down(front, ledger):
    body = b'{"event":"call.missed","call_id":"a","caller_name":"\\ud800\\u0000\\u202e","x":"\\udfff"}'
    assert (await front.post(body)).status == 202
    event = await ledger.event("last")
    assert event.call["caller_name"] == "\ufffd\ufffd\ufffd"
    assert event.raw["x"] == "\ufffd"


async def test_sixty_refusals_at_once_then_ten_a_second_and_proved_ones_never_count(front, ledger, call):
    statuses = [(await front.post(call(), secret="wrong")).status for _ in range(62)]
    assert statuses == [401] * 60 + [429] * 2
    answer = await front.post(call(), secret="wrong")
    assert problem(answer, 429)
    assert answer.headers["retry-after"] == "1"
    assert [(await front.post(call(call_id=f"c{i}"))).status for i in range(20)] == [202] * 20
    front.ticks[0] = 1.0
    assert [(await front.post(call(), secret="wrong")).status for _ in range(11)] == [401] * 10 + [429]
    await front.intake.drain()
    assert len(await ledger.requests(limit=100, kind="refused")) == 70


def test_the_limit_of_refusals_forgets_the_longest_silent_address():
    limit = RefusalLimit(burst=1, rate=0.0, most=3)
    assert [limit.spend(f"10.0.0.{i}", 0.0) for i in range(4)] == [True] * 4
    assert limit.spend("10.0.0.0", 0.0)
    assert not limit.spend("10.0.0.3", 0.0)


def test_all_addresses_of_one_network_of_ipv6_share_one_limit():
    limit = RefusalLimit(burst=2, rate=0.0)
    assert [limit.spend(f"2001:db8::{i}", 0.0) for i in range(1, 5)] == [True, True, False, False]
    assert limit.spend("2001:db8:0:1::1", 0.0)


@pytest.mark.parametrize(
    ("trusted", "told", "counted"),
    [
        ((), ["198.51.100.7"], "127.0.0.1"),
        (("127.0.0.0/8",), ["198.51.100.7"], "198.51.100.7"),
        (("127.0.0.0/8",), ["192.0.2.66, 198.51.100.7"], "198.51.100.7"),
        (("127.0.0.0/8",), ["192.0.2.66", "198.51.100.7"], "198.51.100.7"),
        (("127.0.0.0/8", "10.0.0.0/8"), ["198.51.100.7, 10.1.1.1"], "198.51.100.7"),
        (("127.0.0.0/8",), ["nonsense" * 500], "127.0.0.1"),
        (("127.0.0.0/8",), [], "127.0.0.1"),
    ],
)
async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(ledger, clock, trusted, told, counted):
    async with open_door(ledger, clock, tuple(ipaddress.ip_network(name) for name in trusted)) as front:
        rows = "".join(f"X-Forwarded-For: {value}\r\n" for value in told)
        head = f"POST /hooks/phone HTTP/1.1\r\nHost: x\r\nForwarded: for=192.0.2.1\r\n{rows}"
        await front.raw(head.encode() + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        assert (await refused(ledger, front)).remote == counted


def test_the_compiled_parser_is_in_use():
    assert http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: +2\r\n",
        b"Host: other\r\nContent-Length: 2\r\n",
        b"X-One: a\r\n folded\r\nContent-Length: 2\r\n",
        b"X-One: a\x00b\r\nContent-Length: 2\r\n",
        b"X-One: a\nX-Two: b\r\nContent-Length: 2\r\n",
        b"".join(b"X-%d: a\r\n" % i for i in range(140)) + b"Content-Length: 2\r\n",
        b"X-One: " + b"a" * 9000 + b"\r\nContent-Length: 2\r\n",
    ],
)
async def test_heads_that_two_readers_could_read_differently_are_400_and_closed(front, ledger, head):
    start = b"POST /hooks/phone HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    answer = await front.raw(start + f"X-Relay-Secret: {SECRET}\r\n".encode() + head + b"\r\n{}")
    assert answer.status == 400
    assert answer.closed
    assert await ledger.events(limit=9) == []


async def test_other_versions_of_http_are_refused(front):
    answer = await front.raw(b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n")
    assert answer.status == 400
    assert (await front.raw(b"GET /healthz HTTP/1.0\r\n\r\n")).status == 200


async def test_a_sender_that_hangs_up_before_the_answer_is_still_written_down(front, ledger, call, until):
    body = json.dumps(call()).encode()
    head = f"POST /hooks/phone HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Relay-Secret: {SECRET}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    writer.transport.abort()
    await until(lambda: ledger.event("c-0001"))
    assert (await front.post(call())).json["duplicate"] is True


async def test_a_full_disk_is_503_and_nothing_is_answered_that_was_not_written(front, ledger, call):
    await ledger._write(lambda connection: connection.execute("pragma max_page_count = 1").fetchone())
    answer = await front.post(call(padding="x" * 200_000))
    assert problem(answer, 503)
    assert answer.headers["retry-after"] == "30"
    test = await front.post({"message": "x" * 200_000})
    kept = await ledger.requests(limit=9, kind="test")
    assert (test.status, len(kept)) in {(200, 1), (503, 0)}
    assert (front.count("accepted"), await ledger.events(limit=9)) == (0, [])
    await ledger._write(lambda connection: connection.execute("pragma max_page_count = 4294967294").fetchone())
    assert (await front.post(call())).status == 202


async def test_a_ledger_that_is_closing_is_503_for_the_test_button_too(front, ledger, call):
    await ledger.close()
    assert problem(await front.post(call()), 503)
    assert problem(await front.post({}), 503)


async def test_a_relay_that_stops_answers_503(front, call):
    front.door.draining = True
    answer = await front.post(call())
    assert problem(answer, 503)
    assert answer.headers["retry-after"] == "30"


async def test_a_mistake_of_ours_is_told_without_a_trace(front, call):
    front.door.sources = None
    answer = await front.post(call())
    assert problem(answer, 500)
    assert b"NoneType" not in answer.body


async def test_a_source_of_type_json_is_read_by_its_map(front, ledger):
    body = {
        "kind": "call.missed",
        "data": {"calls": [{"ref": "x-1"}], "from": "312 555 0101"},
        "source": {"system": "other"},
        "event": "their word",
    }
    assert (await front.post(body, path="/hooks/crm")).status == 202
    event = await ledger.event("x-1")
    assert (event.type, event.caller, event.source) == ("call.missed", "+13125550101", "crm")
    assert event.raw["source"] == {"system": "other"}
    assert (await front.post(body, path="/hooks/crm")).json["duplicate"] is True


async def test_a_map_that_finds_nothing_makes_no_call(front):
    assert (await front.post({"kind": "ping"}, path="/hooks/crm")).json == {"event": None}


@pytest.mark.parametrize("path", ["/hooks/phone", "/hooks/ph%6fne", "/hooks/phone?from=here"])
async def test_the_short_way_and_the_way_through_the_router_answer_alike(front, call, path):
    answers = [await front.post(call(), path=path), await front.post(call(), path=path)]
    answers += [await front.post(call(), path=path, secret="wrong"), await front.post(call(), path=path, method="PUT")]
    assert [answer.status for answer in answers] == [202, 200, 401, 405]


async def test_a_sender_that_waits_to_be_told_to_go_on_is_told(front, call):
    body = json.dumps(call()).encode()
    rows = ["POST /hooks/phone HTTP/1.1", "Host: relay.example", "Content-Type: application/json"]
    rows += [f"X-Relay-Secret: {SECRET}", "Expect: 100-continue", f"Content-Length: {len(body)}"]
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write("".join(f"{row}\r\n" for row in [*rows, ""]).encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    writer.write(body)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 202 ")
    writer.close()
