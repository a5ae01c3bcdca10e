"""Open pages: drawn again when something happens, and let go when their session or the relay ends."""

import asyncio
import json
import re

import pytest

from relay.dashboard.live import Live
from relay.dashboard.pages import PAGES
from tests.dashboard.conftest import TOKEN, VIEW
from tests.patience import PATIENCE

PATHS = [page.path for page in PAGES if "{" not in page.path]


async def listen(house, of, token=TOKEN):
    """Opens a page's stream; an async iterator of what it is sent."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with house.client.get(f"{house.url}/live", params={"of": of}, headers=headers) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        async for line in answer.content:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


@pytest.mark.parametrize("token", [TOKEN, VIEW])
async def test_an_open_page_is_drawn_again_when_something_happens(house, token):
    stream = listen(house, "/calls", token)
    async with asyncio.timeout(PATIENCE):
        first = await anext(stream)
        assert "Nothing here yet" in first
        await house.ring("c1", caller_name="Dana Example")
        while "Dana Example" not in first:
            first = await anext(stream)
    assert ("(312) 555-0101" in first) is (token == TOKEN)
    assert "<html" not in first
    await stream.aclose()


@pytest.mark.parametrize(
    "of", ["/nowhere", "/static/style.css", "//evil.example", "//evil.example/", "https://evil.example/", "//["]
)
async def test_only_pages_are_streamed(house, of):
    async with asyncio.timeout(PATIENCE):
        answer, _ = await house.get(f"/live?of={of}")
    assert answer.status == 404


async def test_a_stopping_relay_lets_open_pages_go(house):
    stream = listen(house, "/")
    await anext(stream)
    async with asyncio.timeout(PATIENCE):
        await house.app.stop()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_an_open_page_ends_with_its_session(house):
    async with house.client.post(f"{house.url}/signin", data={"token": TOKEN}, allow_redirects=False) as answer:
        cookie = {"Cookie": f"relay={answer.cookies['relay'].value}"}
    _, text = await house.get("/", None, **cookie)
    csrf = re.search(r'name="csrf" value="([^"]+)"', text)[1]
    async with house.client.get(f"{house.url}/live?of=/", headers=cookie) as stream:
        await stream.content.readline()
        async with house.client.post(
            f"{house.url}/signout", data={"csrf": csrf}, headers=cookie, allow_redirects=False
        ) as answer:
            assert answer.status == 303
        async with asyncio.timeout(PATIENCE):
            await stream.content.read()


async def test_what_changed_while_a_page_was_drawn_for_the_first_time_is_what_it_shows():
    async def pulse():
        return (0,)

    async def draw(_):
        queue.put_nowait("newer")  # as the look at what happened does, where drawing takes as long
        return "older"

    live = Live(pulse, draw)
    async with live.listen("/") as queue:
        await live.fill(queue, "/")
        assert queue.get_nowait() == "newer"
