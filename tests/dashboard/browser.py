"""A real Chromium before a relay: Debian's, driven by Playwright, with a profile of its own."""

import contextlib
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.patience import PATIENCE

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=PATIENCE * 1000)
SCREENS = Path(__file__).parents[2] / "build" / "screens"
"""Where pictures of every page are kept, for people to look at."""
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium on this machine (apt-get install chromium)"
)


class Browser:
    """One browser; what its console said, and whom it asked."""

    def __init__(self, context, url, blank=None):
        """`blank` is a page that is there already, to be the first one."""
        self.context, self.url = context, url
        self.complaints, self.asked = [], []
        self._blank = blank
        self._pages = []
        context.on("request", self._asked)

    async def page(self):
        page, self._blank = self._blank or await self.context.new_page(), None
        page.on("console", self._said)
        page.on("pageerror", self._failed)
        self._pages.append(page)
        page.set_default_timeout(PATIENCE * 1000)
        return page

    async def leave(self, blank):
        """Nothing is left but that page, which nobody listens to, without an address or a cookie."""
        self.context.remove_listener("request", self._asked)
        for page in self._pages:
            page.remove_listener("console", self._said)
            page.remove_listener("pageerror", self._failed)
            if page is not blank:
                await page.close()
        await self.context.clear_cookies()
        await blank.goto("about:blank")

    def _asked(self, request):
        self.asked.append(request.url)

    def _said(self, said):
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)

    def _failed(self, error):
        self.complaints.append(str(error))

    async def signed_in(self, token, path="/"):
        """A page as somebody sees it who gave the token before: the form that asks for it has a test of its own."""
        answer = await self.context.request.post(
            f"{self.url}/signin", form={"token": token}, headers={"Origin": self.url}, max_redirects=0
        )
        assert answer.status == 303
        page = await self.page()
        await page.goto(self.url + path)
        await page.get_by_role("navigation", name="Pages").wait_for()
        return page


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One Chromium for all tests of a file; the address that it is driven at."""
    profile = tmp_path_factory.mktemp("chromium")
    command = [CHROMIUM, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (found := re.search(r"DevTools listening on (ws://\S+)", process.stderr.readline())):
            assert process.poll() is None
        reading = threading.Thread(target=process.stderr.read)
        reading.start()
        yield found[1]
        process.terminate()
        reading.join()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def driven(engine):
    """What drives it, a program of its own: one for all tests of a file, which share its loop."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(engine)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def blank(driven):
    """A page that one test after another has: a new one costs half a second of processor, and to close it as much."""
    context = await driven.new_context()
    yield await context.new_page()
    await context.close()


@pytest.fixture
def chromium(driven, blank):
    """A browser without cookies and with pages of its own; one without script is altogether its own."""

    @contextlib.asynccontextmanager
    async def open_one(url, viewport=DESK, java_script_enabled=True, **media):
        if not java_script_enabled:
            context = await driven.new_context(viewport=viewport, java_script_enabled=False)
            yield Browser(context, url)
            await context.close()
            return
        await blank.set_viewport_size(viewport)
        await blank.emulate_media(**{"color_scheme": "null", "reduced_motion": "null", **media})
        browser = Browser(blank.context, url, blank)
        try:
            yield browser
        finally:
            await browser.leave(blank)

    return open_one
