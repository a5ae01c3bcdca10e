"""Requests to the outside over real sockets: what is refused before, at, and after the connection."""

import asyncio
import contextlib
import gzip
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import relay.exchange
from relay.errors import (
    Invalid,
    Rejected,
    Unavailable,
    Unclear,
)
from relay.http import BODY_CAP, Http, Network, _dump, _GuardedResolver
from tests.patience import PATIENCE

PUBLIC = Network(allow_http=True)


@pytest.fixture
async def guarded():
    it = Http(PUBLIC)
    yield it
    await it.close()


@pytest.fixture
async def raw():
    """A server that reads a request and then does as told, on a plain socket."""
    servers, handlers = [], set()

    async def serve(act):
        async def handle(reader, writer):
            handlers.add(asyncio.current_task())
            # Whoever asked may have given up meanwhile.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                await act(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    yield serve
    for server in servers:
        server.close()
        await server.wait_closed()
    await asyncio.gather(*handlers)


async def test_a_private_address_is_refused_at_the_socket(guarded, sink):
    with pytest.raises(Rejected, match=r"ip_denied: 127\.0\.0\.1"):
        await guarded.request("GET", sink.url)
    assert sink.requests == []


async def test_a_name_that_stands_for_a_private_address_is_refused(guarded, sink):
    with pytest.raises(Rejected, match="ip_denied"):
        await guarded.request("GET", sink.url.replace("127.0.0.1", "localhost"))
    assert sink.requests == []


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "①②⑦.0.0.1", "127。0。0。1"]
)
async def test_no_spelling_of_this_machine_gets_through(guarded, sink, host):
    with pytest.raises((Rejected, Unavailable)):
        await guarded.request("GET", sink.url.replace("127.0.0.1", host))
    assert sink.requests == []


async def test_one_private_address_among_several_refuses_the_whole_answer(monkeypatch):
    def both(host, port, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, port)) for name in ("8.8.8.8", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    resolver = _GuardedResolver(Network())
    with pytest.raises(OSError, match=r"ip_denied: 127\.0\.0\.1"):
        await resolver.resolve("mixed.example")
    await resolver.close()


async def test_what_is_allowed_is_reached(http, sink):
    answer = await http.request("POST", f"{sink.url}/x", json={"name": "Dana"})
    assert answer.status == 200
    [request] = sink.requests
    assert request.json == {"name": "Dana"}
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "file:///etc/passwd", "gopher://example.com", "http+unix://x/y", "//example.com",
        "https://", "https:///path", "https://user:pw@example.com/", "https://example.com/#part", "https://example.com:22/",
        "https://example.com:25/", "https://example.com:0/", "https://example.com:70000/", "https://[::1",
        "no address", "",
    ],
)  # fmt: skip
def test_an_address_that_is_none_for_us_is_refused_at_once(url):
    with pytest.raises(Rejected):
        Http(PUBLIC).admit(url)


def test_other_ports_are_used():
    for port in (80, 81, 443, 8080, 8443, 65535):
        assert Http(PUBLIC).admit(f"https://example.com:{port}/").port == port


async def test_one_private_address_may_be_allowed_and_its_neighbour_is_not(sink):
    port = sink.url.rpartition(":")[2]
    http = Http(Network(allow=(ipaddress.ip_network("127.0.0.1/32"),), allow_http=True))
    assert (await http.request("GET", f"http://127.0.0.1:{port}/")).status == 200
    for other in ("127.0.0.2", "10.0.0.5", "169.254.169.254", "[fd00:ec2::254]"):
        with pytest.raises(Rejected, match="ip_denied"):
            await http.request("GET", f"http://{other}:{port}/")
    await http.close()
    assert len(sink.requests) == 1


def test_plain_http_must_be_allowed():
    with pytest.raises(Rejected, match="allow_http"):
        Http(Network()).admit("http://example.com/")


@pytest.mark.parametrize(
    "headers", [{"X-A": "a\r\nX-B: b"}, {"X-A": "a\nb"}, {"X-A": "a\x00"}, {"X\n": "a"}, {"": "a"}, {"X-A": "\ud800"}]
)
async def test_a_header_that_cannot_be_sent_is_refused_and_nothing_leaves(http, sink, headers):
    with pytest.raises(Invalid, match="header"):
        await http.request("POST", sink.url, json={}, headers=headers)
    assert sink.requests == []


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": float("inf")}, {"a": {1, 2}}, {"a": b"bytes"}])
async def test_a_body_that_is_no_json_is_refused_and_nothing_leaves(http, sink, body):
    with pytest.raises(Invalid, match="JSON"):
        await http.request("POST", sink.url, json=body)
    assert sink.requests == []


@given(st.recursive(st.text(st.characters()), lambda x: st.lists(x, max_size=3), max_leaves=5))
def test_any_text_goes_out_as_utf_8(value):
    text = json.dumps(value, ensure_ascii=False)
    sent = json.loads(_dump(value).decode("utf-8"))
    assert json.dumps(sent, ensure_ascii=False).encode("utf-16-le") == text.encode("utf-16-le", "surrogatepass").decode(
        "utf-16-le", "replace"
    ).encode("utf-16-le")


async def test_where_nobody_listens_it_provably_did_not_arrive(http):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="nobody listens at 127"):
            await http.request("GET", f"http://127.0.0.1:{closed.getsockname()[1]}/")


async def close(writer):
    """Say nothing."""


async def reset(writer):
    writer.transport.abort()


async def garbage(writer):
    writer.write(b"garbage\r\n\r\n")


async def short(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")


async def bad_gzip(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello")


async def trickle(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("act", [close, reset, garbage, short, bad_gzip])
async def test_what_was_sent_and_not_answered_whole_is_unclear(http, raw, act):
    with pytest.raises(Unclear):
        await http.request("POST", await raw(act), json={})


async def test_an_answer_that_trickles_is_unclear_once_its_time_is_over(http, raw):
    with pytest.raises(Unclear):
        await http.request("POST", await raw(trickle), json={}, timeout=0.2)


async def test_an_endless_answer_is_read_up_to_the_cap(http, raw):
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

    assert len((await http.request("GET", await raw(endless), cap=100_000)).body) == 100_000


async def test_a_bomb_of_an_answer_is_read_up_to_the_cap(http, raw):
    bomb = gzip.compress(b"x" * 20_000_000)

    async def explode(writer):
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        writer.write(head.encode() + bomb)

    assert len((await http.request("GET", await raw(explode))).body) == BODY_CAP


async def test_a_name_that_leads_nowhere_is_tried_again(http):
    with pytest.raises(Unavailable, match=r"name nobody\.invalid cannot be looked up"):
        await http.request("GET", "http://nobody.invalid/")


async def test_a_slow_server_of_names_costs_five_seconds_at_most_and_holds_up_no_other(http, sink, monkeypatch):
    released = threading.Event()
    look_up = socket.getaddrinfo

    def slow(host, *args, **more):
        if host == "slow.example":
            released.wait(PATIENCE)
        return look_up("127.0.0.1" if host == "quick.example" else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    usual = relay.exchange._TIMEOUT
    monkeypatch.setattr(relay.exchange, "_TIMEOUT", relay.exchange.aiohttp.ClientTimeout(total=None, connect=0.3))
    port = sink.url.rpartition(":")[2]
    stuck = [asyncio.create_task(http.request("GET", f"http://slow.example:{port}/")) for _ in range(8)]
    await asyncio.sleep(0)
    monkeypatch.setattr(relay.exchange, "_TIMEOUT", usual)
    assert (await http.request("GET", f"http://quick.example:{port}/")).status == 200
    for one in stuck:
        with pytest.raises(Unavailable, match="did not answer within"):
            await one
    released.set()


async def test_no_request_reaches_the_relay_itself(loopback, sink):
    port = int(sink.url.rpartition(":")[2].partition("/")[0])
    for host in ("127.0.0.1", "0.0.0.0", "relay.example"):
        http = Http(loopback, {(host, port)})
        with pytest.raises(Rejected, match="is the relay itself"):
            await http.request("GET", sink.url)
        with pytest.raises(Rejected, match="is the relay itself"):
            await http.connect("127.0.0.1", port)
        await http.close()
    assert sink.requests == []


@pytest.mark.parametrize("address", ["[::ffff:127.0.0.1]", "[::]", "127.8.9.10", "own"])
async def test_no_other_spelling_or_address_of_this_machine_reaches_the_relay_either(sink, address):
    port = int(sink.url.rpartition(":")[2].partition("/")[0])
    everywhere = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    http = Http(Network(allow=everywhere, allow_http=True), {("0.0.0.0", port)})
    if address == "own":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            with contextlib.suppress(OSError):
                way.connect(("198.51.100.1", 9))
            address = way.getsockname()[0]
    with pytest.raises(Rejected, match="is the relay itself"):
        await http.request("GET", f"http://{address}:{port}/")
    await http.close()
    assert sink.requests == []


ELSEWHERE = """
import asyncio, fcntl, socket, struct
from aiohttp import web
from relay.http import Http, Network

def interface(name, request, *parts):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, request, struct.pack("16s", name) + b"".join(parts))

address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton("8.8.8.8"))
interface(b"lo:1", 0x8916, address)          # SIOCSIFADDR
for name in (b"lo", b"lo:1"):
    interface(name, 0x8914, struct.pack("H22x", 0x41))  # SIOCSIFFLAGS: up, running

async def main():
    async def hello(request):
        return web.Response(text=await request.text())

    app = web.Application()
    app.router.add_post("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "8.8.8.8", 8080).start()
    http = Http(Network(allow_http=True))
    answer = await http.request("POST", "http://8.8.8.8:8080/", data=b"it arrived")
    print(answer.status, answer.body.decode())
    await http.close()
    await runner.cleanup()

asyncio.run(main())
"""


def test_a_public_address_is_reached(python_elsewhere):
    """The guard is no wall: in a network namespace of its own, from which no packet can leave, 8.8.8.8 answers."""
    assert python_elsewhere(ELSEWHERE) == "200 it arrived"


@pytest.fixture
def python_elsewhere():
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-Urn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network namespace (unshare -Urn)")

    def run(code):
        done = subprocess.run(
            [unshare, "-Urn", sys.executable, "-c", code],
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(http, raw, sink, status, method):
    async def redirect(writer):
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {sink.url}/secret\r\nContent-Length: 0\r\n\r\n"
        writer.write(head.encode())

    answer = await http.request(method, await raw(redirect), data=b"")
    with pytest.raises(Rejected, match="redirects are not followed") as caught:
        answer.raise_for_status()
    assert "secret" not in str(caught.value)
    assert sink.requests == []
