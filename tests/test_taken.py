import asyncio

import pytest
from aiohttp import web

from relay.taken import Taken


@pytest.fixture
async def port():
    async def take(request):
        await request.read()
        return Taken(202 if request.path == "/new" else 200, b'{"event": "evt_1"}')

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def ask(port, *requests):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(requests))
    answer = await reader.read()
    writer.close()
    return answer


def post(path, more=b""):
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n%s\r\n{}" % (path, more)


async def test_the_answer_is_whole_http_with_our_head_and_no_other(port):
    head, _, body = (await ask(port, post(b"/new", b"Connection: close\r\n"))).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines)
    assert first == b"HTTP/1.1 202 Accepted"
    assert fields.pop(b"Date").endswith(b" GMT")
    assert fields == {
        b"Content-Type": b"application/json",
        b"Server": b"relay",
        b"Content-Length": b"18",
        b"Connection": b"close",
    }
    assert body == b'{"event": "evt_1"}'


async def test_requests_on_one_connection_are_answered_in_order_and_it_stays_open(port):
    answers = await ask(port, post(b"/new"), post(b"/again"), post(b"/new", b"Connection: close\r\n"))
    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"202", b"200", b"202"]
    assert answers.count(b"Connection: close") == 1
