"""Connections that are kept, and what neither they nor the environment may bring into a request."""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import asynccontextmanager

import pytest

from relay.errors import Unclear
from relay.http import Http, Network

ENVIRONMENT = ["HTTP_PROXY", "http_proxy"]
"""Where a library would look for the way of a request without TLS."""


@asynccontextmanager
async def serving(answer):
    """A server that says what `answer` says to each head of a request, and hangs up where that is nothing."""
    heads, handlers = [], set()

    async def serve(reader, writer):
        handlers.add(asyncio.current_task())
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                heads.append(head)
                said = answer(len(heads), head)
                if said is None:
                    writer.transport.abort()
                    return
                writer.write(said)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", heads
    server.close()
    await asyncio.gather(*handlers)


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("PATCH", 1), ("PUT", 2), ("DELETE", 2), ("GET", 2)])
async def test_what_was_sent_over_a_stale_connection_is_not_sent_again_by_itself(http, method, times):
    """But for what means the same when it comes twice, and then once, over a new connection."""

    def answer(nth, _):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if nth == 1 else None

    async with serving(answer) as (url, heads):
        await http.request("GET", url)
        with pytest.raises(Unclear):
            await http.request(method, url, data=b"")
    assert [head.split(" ", 1)[0] for head in heads] == ["GET"] + [method] * times


async def test_a_cookie_that_a_service_sets_is_never_sent_back():
    http = Http(Network(tuple(map(ipaddress.ip_network, ("127.0.0.1/32", "::1/128"))), allow_http=True))
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: crumb=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    async with serving(lambda *_: cookie) as (address, heads):
        url = address.replace("127.0.0.1", "localhost")  # an address without a name has no cookies in any browser
        for _ in range(2):
            await http.request("POST", url, data=b"")
            async with http.session.get(url) as streamed:
                await streamed.read()
        await http.close()
    assert len(heads) == 4
    assert not any("cookie" in head.lower() for head in heads)


@pytest.mark.parametrize("name", ENVIRONMENT)
async def test_a_proxy_that_the_environment_names_is_not_used(http, sink, monkeypatch, name):
    async with serving(lambda *_: None) as (proxy, heads):
        for unless in ("NO_PROXY", "no_proxy", "REQUEST_METHOD"):
            monkeypatch.delenv(unless, raising=False)
        monkeypatch.setenv(name, proxy)
        assert (await http.request("POST", sink.url, json={})).status == 200
        async with http.session.get(sink.url) as streamed:
            assert streamed.status == 200
    assert (len(sink.requests), heads) == (2, [])
