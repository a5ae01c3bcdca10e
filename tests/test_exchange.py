"""What stands on the wire, and which connections are used again: real sockets, a server that does as it is told."""

import asyncio
import contextlib

import aiohttp
import pytest

from relay.errors import Unclear

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire:
    """A server that keeps each connection, and answers the nth request of all as the nth act says; else with OK."""

    def __init__(self, acts):
        self.acts = list(acts)
        self.heads, self.bodies, self.connections = [], [], 0
        self.server, self.handlers = None, set()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/place?x=1"

    async def serve(self, reader, writer):
        self.handlers.add(asyncio.current_task())
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                act = self.acts.pop(0) if self.acts else OK
                if callable(act):
                    await act(writer)
                    break
                self.bodies.append(await reader.readexactly(int(self.header("Content-Length") or 0)))
                writer.write(act)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def header(self, name):
        """The value of a header of the last request; None without one."""
        found = [line.partition(": ")[2] for line in self.heads[-1].split("\r\n") if line.startswith(f"{name}: ")]
        assert len(found) < 2, self.heads[-1]
        return found[0] if found else None

    async def stop(self):
        self.server.close()
        await asyncio.gather(*self.handlers)


@pytest.fixture
async def wired():
    started = []

    async def start(*acts):
        wire = Wire(acts)
        started.append(wire)
        return wire, await wire.start()

    yield start
    for wire in started:
        await wire.stop()


@pytest.fixture
def http(wired, http):
    return http


async def test_a_request_is_written_whole(http, wired):
    wire, url = await wired()
    answer = await http.request("POST", url, data="ä".encode(), headers={"X-Ours": "ö", "accept": "text/plain"})
    assert (answer.status, answer.body) == (200, b"ok")
    first, host, *_ = wire.heads[0].split("\r\n")
    assert first == "POST /place?x=1 HTTP/1.1"
    assert host == f"Host: {url.split('/')[2]}"
    assert wire.bodies == ["ä".encode()]
    assert wire.header("Content-Length") == "2"
    assert wire.header("Content-Type") == "application/octet-stream"
    assert wire.header("Accept-Encoding") == aiohttp.ClientRequest.DEFAULT_HEADERS["Accept-Encoding"]
    assert wire.header("User-Agent") == "callscaler-relay"
    assert (wire.header("X-Ours"), wire.header("accept"), wire.header("Accept")) == ("ö", "text/plain", None)


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("OPTIONS", None), ("POST", "0"), ("DELETE", "0")])
async def test_the_length_of_no_body_is_told_where_one_could_be(http, wired, method, length):
    wire, url = await wired()
    await http.request(method, url)
    assert wire.header("Content-Length") == length
    assert wire.header("Content-Type") is None


async def test_the_framing_is_ours_whatever_headers_are_set_up(http, wired):
    wire, url = await wired()
    await http.request("POST", url, data=b"whole", headers={"content-length": "1", "Transfer-Encoding": "chunked"})
    assert wire.header("Transfer-Encoding") is None
    assert "content-length: 1\r\n" not in wire.heads[0]
    assert wire.header("Content-Length") == "5"


async def test_one_connection_carries_one_request_after_the_other(http, wired):
    wire, url = await wired(OK, b"HTTP/1.1 204 No Content\r\n\r\n", OK)
    assert [(await http.request("POST", url, data=b"x")).status for _ in range(3)] == [200, 204, 200]
    assert wire.connections == 1


async def test_the_answer_to_head_has_no_body_whatever_length_it_tells(http, wired):
    wire, url = await wired(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    assert (await http.request("HEAD", url)).body == b""
    assert (await http.request("GET", url)).body == b"ok"
    assert wire.connections == 1


async def test_what_is_said_before_the_answer_is_not_the_answer(http, wired):
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    _, url = await wired(early + OK)
    answer = await http.request("POST", url, data=b"x", headers={"Expect": "100-continue"})
    assert (answer.status, answer.body) == (200, b"ok")


async def test_a_body_in_pieces_is_read_whole(http, wired):
    chunks = b"".join(b"4000\r\n" + letter * 0x4000 + b"\r\n" for letter in (b"a", b"b", b"c"))
    wire, url = await wired(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert (await http.request("GET", url)).body == b"a" * 0x4000 + b"b" * 0x4000 + b"c" * 0x4000
    await http.request("GET", url)
    assert wire.connections == 1


@pytest.mark.parametrize("size", [10, 40_000])
async def test_a_connection_with_more_of_an_answer_than_is_wanted_is_not_used_again(http, wired, size):
    wire, url = await wired(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 150_000)
    assert (await http.request("GET", url, cap=size)).body == b"x" * size
    assert (await http.request("GET", url)).body == b"ok"
    assert wire.connections == 2


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next(http, wired):
    wire, url = await wired(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse")
    assert (await http.request("POST", url, data=b"x")).body == b"ok"
    assert (await http.request("POST", url, data=b"x")).body == b"ok"
    assert wire.connections == 2


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(http, wired):
    given_up = asyncio.Event()

    async def late(writer):
        await given_up.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    wire, url = await wired(OK, late)
    await http.request("POST", url, data=b"")
    with pytest.raises(Unclear, match="no whole answer"):
        await http.request("POST", url, data=b"", timeout=0.1)
    given_up.set()
    assert (await http.request("POST", url, data=b"x")).body == b"ok"
    assert wire.connections == 2


async def test_a_connection_that_answered_before_it_read_all_is_not_used_again(http, wired):
    asked_again = asyncio.Event()

    async def too_large(writer):
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await asked_again.wait()

    wire, url = await wired(too_large)
    assert (await http.request("POST", url, data=bytes(30_000_000))).status == 413
    try:
        assert (await http.request("POST", url, data=b"x")).body == b"ok"
    finally:
        asked_again.set()
    assert wire.connections == 2


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("PUT", 2), ("POST", 1), ("PATCH", 1)])
async def test_only_what_means_the_same_twice_is_sent_again_where_the_connection_was_closed(http, wired, method, times):
    async def hang_up(writer):
        writer.transport.abort()

    wire, url = await wired(OK, hang_up)
    await http.request("GET", url)
    with contextlib.nullcontext() if times == 2 else pytest.raises(Unclear):
        await http.request(method, url)
    assert sum(head.startswith(f"{method} ") for head in wire.heads[1:]) == times
