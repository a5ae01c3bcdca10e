"""What the admin listener tells of a caller's words: figures, answers, pages, and pages in a browser."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.async_api import async_playwright

from relay.dashboard.pages.calls import PAGE
from tests.dashboard.browser import CHROMIUM, DESK, FLAGS, Browser
from tests.dashboard.conftest import TOKEN
from tests.hostile import STRINGS
from tests.sinks.words import CALLS, Parts, folded
from tests.sized import sized


async def metrics(world):
    _, told = await world.house.get("/metrics", Accept="text/plain")
    for line in told.splitlines():
        if not re.fullmatch(
            r"(# (HELP|TYPE) [\x20-\x7e]*|[a-z_]+(\{[\x20-\x7e]*\})? [0-9.e+naif-]+)", line, re.IGNORECASE
        ):
            yield line, "is no line of figures"
    labels = set(re.findall(r'="([^"]*)"', told))
    for found in labels & set(STRINGS) - {"0", "", "null", "None", "true"}:
        yield found, "is a label"


async def searches(world):
    paths = ["/api/events?person={}", "/api/events?number={}", "/api/events?type={}",
    "/api/events?before={}", "/api/events/{}",
             "/api/deliveries?state={}", "/api/deliveries/{}", "/api/texts?person={}",
             "/api/texts?before={}", "/api/people/{}",
             "/api/events?limit={}", "/api/requests?kind={}", "/calls?q={}", "/calls?type={}",
             "/calls?number={}", "/calls/{}",
             "/people?q={}", "/people/{}", "/texts?before={}", "/requests?before={}", "/live?of={}"]  # fmt: skip
    everything = (await world.house.app.store.totals())["events"]
    apart = sized(7, 1)  # each string is put to every seventh search, each search takes every seventh string
    for nth, text in enumerate(STRINGS):
        written = quote(text[:2000], safe="", errors="surrogatepass")
        for path in paths[nth % apart :: apart]:
            if path.endswith("/{}") and text in {"", ".", ".."}:
                continue
            answer, told = await world.house.get(path.format(written))
            if answer.status >= 500:
                yield path, f"{text!r} is answered with {answer.status}"
            if answer.headers["Content-Type"].startswith("text/html") and {"img", "svg", "base", "iframe"} & Parts(
                told
            ).tags - {"svg"}:
                yield path, f"{text!r} became markup"
    if (await world.house.app.store.totals())["events"] != everything:
        yield "the ledger", "a search changed it"


PLAIN_TAGS = {"base", "iframe", "img", "object", "embed", "textarea", "math", "marquee"}


async def pages(world):
    store = world.house.app.store
    paths = [
        "/",
        "/calls",
        "/texts",
        "/people",
        "/rules",
        "/connectors",
        "/alerts",
        "/audit",
        "/refused",
        "/requests",
        "/numbers",
    ]
    for event in await store.events(limit=len(CALLS)):
        paths += [f"/calls/{event.id}"]
    seen = set()
    for path in paths:
        answer, told = await world.house.get(path)
        page = Parts(told)
        seen.add(page.text)
        if page.tags & PLAIN_TAGS or told.count("<script") > 1:
            yield path, f"holds {page.tags & PLAIN_TAGS or 'script'}"
        for name, value in page.attributes:
            if name.startswith("on") or re.match(r"(?i)\s*(javascript|data|//|https?:)", value or ""):
                yield path, f"{name}={value}"
        if "script-src 'self'" not in answer.headers["Content-Security-Policy"]:
            yield path, "no policy"
    shown = folded(" ".join(seen))
    for text in CALLS.values():
        if folded(text)[:80] not in shown:
            yield text, "is on no page as it is"


async def browser(world):
    """The same pages in a real one: no script of a stranger's runs, nobody else is asked.

    Every call stands in the lists; of those with markup in them every third has its own page looked at, in a soak each.
    """
    events = await world.house.app.store.events(limit=len(CALLS))
    told = {event.id for event in events if set(event.call.get("caller_name") or "") & set("<&\"'")}
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        it = Browser(await chromium.new_context(viewport=DESK), world.house.url)
        page = await it.signed_in(TOKEN, "/calls")
        page.on("dialog", lambda dialog: it.complaints.append(f"a dialog: {dialog.message}"))
        lists = ["/calls", *(f"/calls?before={event.seq}" for event in events[PAGE - 1 :: PAGE]), "/texts", "/"]
        for path in [*lists, *(f"/calls/{name}" for name in sorted(told)[:: sized(3, 1)])]:
            await page.goto(world.house.url + path)
            if "owned" in await page.title():
                yield path, "a stranger's script ran"
        for complaint in it.complaints:
            if "net::ERR" not in complaint:  # a stream that ended as the next page was loaded
                yield "the console", complaint
        for asked in it.asked:
            if not asked.startswith((world.house.url, "data:")):
                yield asked, "was asked"
        await chromium.close()
