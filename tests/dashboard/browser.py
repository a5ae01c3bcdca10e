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

    def __init__(self, context, url):
        self.context, self.url = context, url
        self.complaints, self.asked = [], []
        context.on("request", lambda request: self.asked.append(request.url))

    async def page(self):
        page = await self.context.new_page()
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(PATIENCE * 1000)
        return page

    def _said(self, said):
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)

    async def signed_in(self, token, path="/"):
        page = await self.page()
        await page.goto(self.url + path)
        await page.get_by_label("Token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("navigation", name="Pages").wait_for()
        # That nobody was signed in is what the console said first: 401 is an error to it.
        self.complaints.clear()
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


@pytest.fixture
def chromium(driven):
    """A browser with cookies, storage and pages of its own."""

    @contextlib.asynccontextmanager
    async def open_one(url, **options):
        context = await driven.new_context(**{"viewport": DESK, **options})
        try:
            yield Browser(context, url)
        finally:
            await context.close()

    return open_one
