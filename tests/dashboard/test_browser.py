"""The dashboard in a real browser, as the person at the desk sees it."""

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from relay.dashboard.pages import PAGES
from relay.demo.day import PARKED
from relay.demo.world import Clock
from relay.sandbox import Sandbox, SandboxSettings
from relay.standins import SinkStandIn, SlackStandIn
from tests.dashboard.browser import DESK, PHONE, SCREENS, needs_chromium
from tests.dashboard.conftest import TOKEN, VIEW, start
from tests.docs.newcomer import running
from tests.sized import sized

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="module")]
PATHS = [page.path for page in PAGES if "{" not in page.path] + ["/calls/c1", "/people/+13125550101", "/nowhere"]
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What another scheme of colours can break."""
JUDGE = """options => axe.run({...options, resultTypes: ["violations"]}).then(judged =>
    judged.violations.map(one => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`))"""


@pytest_asyncio.fixture(loop_scope="module")
async def sink():
    """On the loop that the browser is driven by, as all that stands here."""
    async with running(SinkStandIn()) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def house(tmp_path, sink):
    async with start(tmp_path, sink.url, {"RELAY_ADMIN_TOKEN": TOKEN, "RELAY_VIEW_TOKEN": VIEW}) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def busy(house, sink, until):
    """A day with a bit of everything: missed, answered, failed for good, in quarantine, refused, opted out."""
    await house.ring("c1", caller_name="Dana Example", tracking_number="+13125550142", summary="Wants a quote.")
    await house.ring("c2", event="call.completed", caller_number="+13125550102", duration_seconds=120)
    await house.ring("c3", caller_number="+18005550199", caller_name="Toll Free Example")
    await house.ring("c4", event="call.completed", caller_number="+13125550104", duration_seconds=9000)
    await house.ring("c5", secret="guess")
    await house.settled(until)
    sink.down = True
    await house.ring("c6", caller_name="Sam Sample", caller_number="+13125550106", tracking_number="+13125550142")

    async def dead():
        return (await house.app.store.states()).get("dead")

    await until(dead)
    sink.down = False
    await house.app.store.opt_out("+13125550107", now=house.app._clock(), how="STOP")
    await house.app.store.open_alert(
        "somebody:disk", "The disk is nearly full.", "Free some space.", now=house.app._clock()
    )
    return house


async def test_every_page_is_readable_for_everybody_and_asks_nobody_else(busy, chromium):
    # Without motion: half-way from one scheme to the other, colours are neither's.
    async with chromium(busy.url, color_scheme="light", reduced_motion="reduce") as browser:
        page = await browser.signed_in(TOKEN)
        found = {}
        for path in PATHS:
            await page.goto(busy.url + path)
            await expect(page.locator("h1")).to_have_count(1)
            for size in (DESK, PHONE):
                await page.set_viewport_size(size)
                found[f"{path} on {size['width']}"] = await wrong(page, AXE)
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= size["width"], f"{path} is {wide} wide"
                await keep_picture(page, path, f"{size['width']}-light")
                await page.emulate_media(color_scheme="dark")
                found[f"{path} on {size['width']} at night"] = await wrong(page, COLOURS)
                await keep_picture(page, path, f"{size['width']}-dark")
                await page.emulate_media(color_scheme="light")
        assert {path: wrong for path, wrong in found.items() if wrong} == {}
        assert [said for said in browser.complaints if "404" not in said] == []
        assert {address for address in browser.asked if not address.startswith(busy.url + "/")} == set()


async def test_on_a_phone_a_rule_is_told_before_its_buttons_which_a_thumb_can_hit(busy, chromium):
    async with chromium(busy.url, viewport=PHONE) as browser:
        page = await browser.signed_in(TOKEN, "/rules")
        for card in await page.locator(".ruled").all():
            told = await card.locator("p.legend").bounding_box()
            buttons = [await button.bounding_box() for button in await card.get_by_role("button").all()]
            assert len(buttons) == 2
            assert all(box["y"] >= told["y"] + told["height"] for box in buttons)
            assert all(box["height"] >= 44 and box["width"] >= 140 for box in buttons)


async def test_on_a_phone_the_chart_shows_the_hour_that_it_is(busy, chromium):
    # At ten o'clock, as it is here, only a narrow one would hide it.
    async with chromium(busy.url, viewport={**PHONE, "width": 280}) as browser:
        page = await browser.signed_in(TOKEN, "/")
        chart = await page.locator(".scroll").bounding_box()
        mark = await page.locator(".scroll .now").bounding_box()
        assert chart["x"] <= mark["x"] <= chart["x"] + chart["width"]


async def wrong(page, options):
    """What a page does wrong, and where first; who judges it is carried to it once, and tells no more than that."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(Axe().axe_script)
    return await page.evaluate(JUDGE, options)


async def keep_picture(page, path, look):
    """For people to look at; painting a page costs as much as judging it, so only a soak does."""
    if sized(few=0, many=1):
        SCREENS.mkdir(parents=True, exist_ok=True)
        file = f"{path.strip('/').replace('/', '-') or 'now'}-{look}.png"
        await page.screenshot(path=SCREENS / file, full_page=True)


async def test_signing_in_needs_the_token_and_signing_out_ends_it(busy, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.page()
        await page.goto(f"{busy.url}/calls?type=call.missed")
        assert await wrong(page, AXE) == []
        await page.get_by_label("Token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("That is not the token")
        await page.goto(f"{busy.url}/calls?type=call.missed")
        await page.get_by_label("Token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Calls")).to_be_visible()
        [cookie] = await browser.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["name"]) == (True, "Strict", "relay")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Token")).to_be_visible()
        assert not [said for said in browser.complaints if "401" not in said], browser.complaints


async def test_a_call_appears_while_one_looks_and_nothing_is_lost_of_what_one_was_doing(house, chromium):
    async with chromium(house.url) as browser:
        page = await browser.signed_in(TOKEN, "/calls")
        await expect(page.locator("html")).to_have_attribute("data-live", "yes")
        await page.get_by_label("Number, or id of a call").fill("312-55")
        await house.ring("c1", caller_name="Dana Example")
        await expect(page.get_by_role("link", name="Dana Example")).to_be_visible()
        await expect(page.get_by_label("Number, or id of a call")).to_have_value("312-55")
        await expect(page.get_by_label("Number, or id of a call")).to_be_focused()
        assert browser.complaints == []


async def test_why_a_caller_was_not_texted_is_three_clicks_from_the_start(busy, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN)
        await page.get_by_role("link", name="Calls", exact=True).click()  # one
        await page.get_by_role("link", name="Missed").click()  # two
        await page.get_by_role("link", name="Toll Free Example").click()  # three
        rule = page.locator("details.rule", has_text="Text back")
        await expect(rule).to_have_attribute("open", "")
        await expect(rule.locator("tr.no")).to_contain_text("caller.line")
        await expect(rule.locator("tr.no")).to_contain_text("toll_free")


async def test_a_page_whose_session_ended_says_so_and_leads_to_the_sign_in(house, chromium):
    async with chromium(house.url) as browser:
        page = await browser.signed_in(TOKEN, "/calls?type=call.missed")
        await expect(page.locator("html")).to_have_attribute("data-live", "yes")
        other = await browser.page()
        await other.goto(house.url + "/texts")
        await other.get_by_role("button", name="Sign out").click()
        await expect(other.get_by_label("Token")).to_be_visible()
        await page.get_by_role("link", name="Sign in again").click()
        await page.get_by_label("Token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(house.url + "/calls?type=call.missed")


async def test_a_rule_is_tried_from_a_call_s_page(busy, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN, "/calls/c1")
        await page.get_by_label("It plays against pretended services").select_option("Text back")
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("would do with this call")
        await expect(page.locator("blockquote")).to_contain_text("sorry we missed you")
        assert await wrong(page, AXE) == []
        assert browser.complaints == []


async def test_the_mark_of_open_alerts_changes_while_one_looks(house, chromium):
    async with chromium(house.url) as browser:
        page = await browser.signed_in(TOKEN, "/calls")
        await expect(page.locator("html")).to_have_attribute("data-live", "yes")
        mark = page.locator("nav .badge")
        await expect(mark).to_be_hidden()
        await house.app.store.open_alert("somebody:disk", "The disk is full.", "Free some.", now=house.app._clock())
        await house.ring("c1")
        await expect(mark).to_be_visible()
        assert browser.complaints == []


async def test_what_failed_is_tried_again_from_its_page(busy, sink, until, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN)
        await page.get_by_role("link", name="Look at what failed").click()
        await page.get_by_role("button", name="Try again").first.click()
        await expect(page.get_by_role("status").first).to_contain_text("given another schedule of tries")
        await expect(page.locator("#dead")).to_contain_text("Nothing was given up on")
        await busy.settled(until)
        assert (await busy.app.store.states()).get("dead", 0) == 0
        assert browser.complaints == []


async def test_a_call_is_let_out_of_quarantine(busy, until, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN)
        await page.locator(".banner", has_text="quarantine").get_by_role("link").first.click()
        await page.get_by_role("button", name="Release from quarantine").click()
        await expect(page.get_by_role("status").first).to_contain_text("released")
        await busy.settled(until)
        assert await busy.app.store.quarantined(limit=9) == []


async def test_a_rule_goes_live_and_the_audit_says_who_did_it(busy, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN, "/rules")
        await page.get_by_role("button", name="Go live").first.click()
        await expect(page.get_by_role("status").first).to_contain_text("Text back is now live")
        await page.get_by_role("link", name="Audit").click()
        await expect(page.locator("table.acted")).to_contain_text("mode")
        await expect(page.locator("table.acted")).to_contain_text("done")
        await expect(page.locator("table.acted")).to_contain_text("admin token, signed in")


async def test_a_person_is_never_texted_again(busy, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN, "/calls/c1")
        await page.get_by_role("link", name="All about this person").click()
        await page.get_by_role("button", name="Never text again").click()
        await expect(page.get_by_role("status").first).to_contain_text("is never texted again")
        assert (await busy.app.store.standing("+13125550101")).opted_out_at is not None


async def test_without_script_everything_can_be_read_and_done(busy, chromium):
    async with chromium(busy.url, java_script_enabled=False) as browser:
        page = await browser.page()
        await page.goto(busy.url + "/texts")
        await page.get_by_label("Token").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await page.locator("details", has_text="Switch all texts off").locator("summary").click()
        await page.get_by_role("button", name="Switch texts off").click()
        await expect(page.locator(".banner")).to_contain_text("Texts are switched off")
        assert await busy.app.store.texts_are_off()


async def test_it_goes_by_keyboard_alone(busy, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.get_by_role("link", name="Calls", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/calls")


async def test_those_who_only_look_have_nothing_to_press_and_see_no_number(busy, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(VIEW, "/calls")
        await expect(page.locator("main")).to_contain_text("***0101")
        await expect(page.locator("main")).not_to_contain_text("555-0101")
        await page.goto(f"{busy.url}/connectors")
        await expect(page.get_by_role("button", name="Try again")).to_have_count(0)


async def test_the_first_page_is_small(busy, chromium):
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN)
        await page.wait_for_load_state("load")
        sizes = await page.evaluate(
            "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
            ".filter(one => !one.name.includes('/live')).map(one => one.decodedBodySize)"
        )
        assert len(sizes) >= 3
        assert sum(sizes) < 100_000


async def test_a_relay_that_is_gone_is_told_on_the_open_page(house, chromium):
    async with chromium(house.url) as browser:
        page = await browser.signed_in(TOKEN)
        await expect(page.locator("html")).to_have_attribute("data-live", "yes")
        await expect(page.locator("#lost")).to_be_hidden()
        await house.app.stop()
        await expect(page.locator("#lost")).to_be_visible()


MOVES = """\
business: {name: Bright Plumbing, timezone: America/Chicago}
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
network: {allow: [127.0.0.1/32], allow_http: true}
callscaler: {api_key: "${CALLSCALER_API_KEY}", base_url: "${CALLSCALER_BASE_URL}"}
connectors:
  team: {type: slack, webhook_url: "${SLACK_WEBHOOK_URL}"}
rules:
  - name: A parked number rings again
    when: call.*
    if: {number.group: Parked}
    then:
      - regroup: number
        to: Main
        approve: {by: team, within: 24h}
"""


@pytest_asyncio.fixture(loop_scope="module")
async def shop(tmp_path, until):
    """A relay before the pretend phone system, with a parked number that is about to ring."""
    now = Clock()
    sandbox, slack = Sandbox(None, clock=now, settings=SandboxSettings(past_calls=0)), SlackStandIn()
    sandbox.add_number(PARKED, "Spring flyer", group="Parked", flow="Google Ads")
    await sandbox.start()
    await slack.start()
    environment = {
        "CALLSCALER_API_KEY": sandbox.key,
        "CALLSCALER_BASE_URL": f"{sandbox.url}/api/v1",
        "SLACK_WEBHOOK_URL": slack.webhook_url,
        "RELAY_ADMIN_TOKEN": TOKEN,
    }
    async with start(tmp_path, "", environment, file=MOVES, clock=now) as house:

        async def group():
            return {one.number: one.group for one in await house.app.store.numbers()}.get(PARKED)

        await until(group)
        house.group, house.phone = group, sandbox.url
        yield house
    await slack.stop()
    await sandbox.stop()


async def test_the_page_of_the_pretend_phone_fits_on_a_phone(shop, chromium):
    async with chromium(shop.phone, viewport=PHONE) as browser:
        page = await browser.page()
        await page.goto(shop.phone)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        boxes = [await button.bounding_box() for button in await page.get_by_role("button").all()]
        assert len(boxes) > 8
        assert all(box["height"] >= 44 for box in boxes)


async def test_a_move_is_approved_and_undone(shop, until, chromium):
    async with chromium(shop.url) as browser:
        page = await browser.signed_in(TOKEN, "/numbers")
        await shop.ring("c1", tracking_number=PARKED)
        run = page.locator("[data-part=moves] details").first
        await expect(run).to_contain_text("waits for a yes")
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator("[data-part=moves] details").first).to_contain_text("done")

        async def main():
            return await shop.group() == "Main"

        await until(main)
        await page.reload()
        await page.get_by_role("button", name="Undo").click()

        async def parked():
            return await shop.group() == "Parked"

        await until(parked)
        runs = (await shop.api("/api/moves"))["runs"]
        assert [run["kind"] for run in runs] == ["undo", "rule"]
        assert (runs[1]["changes"][0]["number"], runs[1]["changes"][0]["to"]) == (PARKED, "Main")
        await page.goto(shop.url + "/audit")
        await expect(page.locator("table.acted")).to_contain_text("numbers undo")
        assert browser.complaints == []


async def test_a_person_is_forgotten_and_stays_so(busy, chromium):
    store = busy.app.store
    await store.opt_out("+13125550101", now=busy.app._clock(), how="STOP")
    async with chromium(busy.url) as browser:
        page = await browser.signed_in(TOKEN, "/people/+13125550101")
        await page.get_by_text("Forget this person").click()
        await page.get_by_role("button", name="Forget for good").click()
        await expect(page.get_by_role("status").first).to_contain_text("This person is forgotten")
        await expect(page.locator("main")).not_to_contain_text("Dana Example")
        await expect(page.locator("main")).to_contain_text("never texted")
        await page.goto(f"{busy.url}/calls")
        await expect(page.locator("main")).not_to_contain_text("Dana Example")
        await expect(page.locator("main")).not_to_contain_text("555-0101")
    assert (await store.standing("+13125550101")).opted_out_at is not None
