"""Every page: it is there, it says what happened, it hides what it must, and what strangers wrote stays text."""

import asyncio
import json
import re

import pytest

from relay.dashboard.drawing import environment, static_files
from relay.dashboard.pages import PAGES
from relay.models import Change, NumberRun, Owned
from tests.dashboard.conftest import TOKEN, VIEW
from tests.patience import PATIENCE

PATHS = [page.path for page in PAGES if "{" not in page.path]
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
async def rang(house, until):
    """A missed call, told and archived; an evil one; one that could not prove itself."""
    await house.ring("c1", caller_name="Dana Example", tracking_number="+13125550142")
    await house.ring("c2", caller_name=EVIL, summary=EVIL, call_flow_name=EVIL, caller_number="+13125550102")
    await house.ring("c3", secret="guess")
    await house.settled(until)
    return house


@pytest.mark.parametrize("path", [*PATHS, "/calls/c1", "/calls/last", "/people/+13125550101", "/calls?q=312-555-0101"])
@pytest.mark.parametrize("token", [TOKEN, VIEW])
async def test_every_page_is_there_small_and_asks_nobody_else(rang, path, token):
    answer, text = await rang.get(path, token)
    assert answer.status == 200
    assert answer.content_type == "text/html"
    assert len(text.encode()) < 100_000
    assert re.findall(r'(?:src|href|action)="(?!/|#|\?)([^"]*)"', text) == []
    assert 'style="' not in text, "the policy lets no style in that stands in the page"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=", text.replace("onerror=alert", ""))


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/c2", "/people/+13125550102", "/api/events/c2"])
async def test_what_strangers_write_is_shown_and_never_run(rang, path):
    answer, text = await rang.get(path)
    assert answer.status == 200
    assert path.startswith("/api") or "&lt;script&gt;" in text
    assert path.startswith("/api") or "<script>alert" not in text


@pytest.mark.parametrize("path", [*PATHS, "/calls/c1", "/api/events", "/api/texts", "/api/people/+13125550101"])
async def test_numbers_are_masked_for_those_who_only_look(rang, path):
    _, whole = await rang.get(path)
    _, hidden = await rang.get(path, VIEW)
    for form in ("3125550101", "(312) 555-0101", "312-555-0101"):
        assert form not in hidden.replace('placeholder="312-555-0101"', "")
    assert path not in {"/", "/calls", "/calls/c1"} or "(312) 555-0101" in whole


async def test_those_who_only_look_see_nothing_to_press(rang):
    for path in [*PATHS, "/calls/c1"]:
        _, text = await rang.get(path, VIEW)
        assert 'form="act"' not in text
        assert 'id="act"' not in text


async def test_who_only_looks_may_ask_for_one_number_and_that_is_written_down(rang):
    event = (await rang.api("/api/events/c1"))["event"]["id"]
    answer, text = await rang.post("/reveal", VIEW, event=event)
    assert (answer.status, "(312) 555-0101" in text) == (200, True)
    [act] = [one for one in (await rang.api("/api/acts"))["acts"] if one["what"] == "reveal"]
    assert event in act["about"]
    assert act["who"].startswith("view token, from 127.0.0.1")
    assert (await rang.post("/reveal", VIEW, event="none"))[0].status == 404
    _, text = await rang.get("/calls/c1", VIEW)
    assert "(312) 555-0101" not in text


async def test_a_rule_is_tried_on_a_call_and_nothing_is_sent_or_written_down(rang, sink):
    event = (await rang.api("/api/events/c1"))["event"]["id"]
    before = [body for body in sink.bodies if body], await rang.app.store.acts(limit=9)
    answer, text = await rang.post("/try", rule="Text back", event=event)
    assert answer.status == 200
    assert "as if it were live" in text
    assert "Bright Plumbing: sorry we missed you. Reply STOP to opt out." in text
    answer, text = await rang.post("/try", rule="archive", event="c1")
    assert "would go" in text
    url = f"{rang.url}/api/do/try"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with rang.client.post(url, json={"rule": "Text back", "event": "c1"}, headers=headers) as told:
        came = await told.json()
    assert (came["verdict"], came["sent"], came["steps"][0]["state"]) == ("ran", 0, "would go")
    assert ([body for body in sink.bodies if body], await rang.app.store.acts(limit=9)) == before
    assert (await rang.post("/try", rule="Text bakc", event="c1"))[0].status == 404
    assert (await rang.post("/try", rule="Text back", event="none"))[0].status == 404
    assert (await rang.post("/try", rule="Text back"))[0].status == 422
    assert (await rang.post("/try", VIEW, rule="Text back", event="c1"))[0].status == 403


async def test_a_large_ledger_is_not_read_beside_the_service(rang, monkeypatch):
    monkeypatch.setattr("relay.trying.MOST_BESIDE", 1)
    answer, text = await rang.post("/try", rule="Text back", event="c1")
    assert answer.status == 422
    assert "relay try" in text


async def test_before_the_first_call_the_start_page_says_what_to_do(house, until):
    _, text = await house.get("/")
    assert "Ready for the first call" in text
    assert "Everything works" not in text
    await house.ring("c1")
    await house.settled(until)
    _, text = await house.get("/")
    assert "Ready for the first call" not in text


async def test_open_alerts_are_counted_beside_their_page_on_every_page(house):
    _, text = await house.get("/calls")
    assert re.search(r'data-part="needs" class="badge" hidden', text)
    await house.app.store.open_alert("somebody:disk", "The disk is full.", "run `relay prune`", now=house.app._clock())
    _, text = await house.get("/calls")
    assert re.search(r'data-part="needs" class="badge">1<', text)
    _, text = await house.get("/")
    assert "Run <code>relay prune</code>" in text


async def test_a_connector_is_asked_whether_it_can_work(rang):
    answer, _ = await rang.post("/do/check-connector", connector="archive", back="/connectors")
    _, text = await rang.get(answer.headers["Location"])
    assert "archive: its options work" in text
    answer, _ = await rang.post("/do/check-connector", connector="callscaler", back="/connectors")
    _, text = await rang.get(answer.headers["Location"])
    assert 'class="said bad"' in text


async def test_the_list_says_why_the_caller_was_not_texted(rang):
    _, text = await rang.get("/calls")
    assert "would have texted (shadow)" in text
    _, text = await rang.get("/calls/c1")
    assert "Text back" in text
    assert "caller.line" in text
    assert "not in toll_free" in text


async def test_calls_are_found_by_number_by_kind_and_by_id(rang):
    _, text = await rang.get("/calls?q=(312) 555 0102")
    assert ("Dana Example" in text, "&lt;script&gt;" in text) == (False, True)
    _, text = await rang.get("/calls?type=call.completed")
    assert "Dana Example" not in text
    answer, _ = await rang.get("/calls?q=c1")
    assert (answer.status, answer.headers["Location"][:11]) == (303, "/calls/evt_")
    _, text = await rang.get("/calls?q=nonsense")
    assert "That is no number" in text
    _, text = await rang.get("/calls?q=%2B13125550199")
    assert "Nothing came from this number" in text


@pytest.mark.parametrize(
    "query", ["%", "_", "'", '"', "\\", "a" * 10_000, "%00", "%F0%9F%98%80", "1 or 1=1", "' union select 1 --"]
)
async def test_a_search_for_anything_is_answered(rang, query):
    if len(query) > 5000:
        query = query[:5000]
    assert (await rang.get(f"/calls?q={query.replace('%', '%25') if query == '%' else query}"))[0].status == 200


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "1e9", "٣"])
async def test_a_bent_place_in_a_list_is_the_first_page(rang, before):
    for path in ("/calls", "/connectors", "/refused", "/texts"):
        assert (await rang.get(f"{path}?before={before}"))[0].status == 200


async def test_lists_go_on_page_by_page(house, until):
    for number in range(60):
        await house.ring(f"c{number}", caller_name=f"Caller {number}.")
    await house.settled(until)
    _, first = await house.get("/calls")
    older = re.search(r'href="(\?before=\d+)">Older', first)[1]
    _, second = await house.get(f"/calls{older}")
    shown = [re.findall(r"Caller (\d+)\.", page) for page in (first, second)]
    assert [len(page) for page in shown] == [50, 10]
    assert set(shown[0]) & set(shown[1]) == set()
    assert "Older" not in second
    assert "Newest" in second


@pytest.mark.parametrize("path", ["/nowhere", "/calls/nothing", "/people/nobody", "/static/none.css"])
async def test_what_there_is_not_is_told_on_a_page(house, path):
    answer, text = await house.get(path)
    assert answer.status == 404
    assert "Back to the start" in text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pages/__init__.py",
        "/static/..%2fdashboard.py",
        "/static/%252e%252e/dashboard.py",
        "/static//etc/passwd",
        "/static/style.css.gz",
        "/static/",
        "/static/.style.css",
    ],
)
async def test_only_the_files_of_the_start_are_served(house, path):
    assert (await house.get(path))[0].status == 404


async def test_style_and_script_are_served_and_kept(house):
    assert set(static_files()) == {"style.css", "live.js", "icon.svg"}
    for name in static_files():
        answer, _ = await house.get(f"/static/{name}?v=1")
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]


async def test_signing_in_is_asked_for_on_a_page_that_brings_its_own_style(house):
    answer, text = await house.get("/calls?type=call.missed", None)
    assert answer.status == 401
    assert 'name="next" value="/calls?type=call.missed"' in text
    assert "sha256-" in answer.headers["Content-Security-Policy"]
    assert "<link" not in text


async def test_who_was_signed_out_meanwhile_is_told_that_nothing_was_done(house):
    async with house.client.post(f"{house.url}/do/texts-off", data={}, headers={"Accept": "text/html"}) as answer:
        assert answer.status == 401
        assert "You were signed out, and nothing was done" in await answer.text()
    assert not await house.app.store.texts_are_off()
    assert "nothing was done" not in (await house.get("/texts", None))[1]


async def test_of_thousands_of_numbers_a_page_shows_some_and_leads_to_the_rest(house):
    now, names = house.app._clock(), [f"+1312{n:07d}" for n in range(5550100, 5550360)]
    owned = [Owned(name, f"id-{name[-3:]}", f"Number {name[-3:]}.", group="A & B", read_at=now) for name in names]
    await house.app.store.save_numbers([*owned, Owned("+13125550099", "x", "Alone", read_at=now)])

    async def page(path):
        text = (await house.get(path, VIEW))[1]
        more = re.search(r'href="([^"]+)">(?:All|More) of this group', text)
        return re.findall(r"Number (\d+)\.", text), more and more[1].replace("&amp;", "&"), text

    first, more, text = await page("/numbers")
    names = [name[-3:] for name in names]
    assert (first, "Alone" in text, ">260<" in text) == (names[:50], True, True)
    second, rest, text = await page(f"/numbers{more}")
    assert (second, "Alone" in text, "All groups" in text) == (names[:200], False, True)
    third, end, _ = await page(f"/numbers{rest}")
    assert (third, end) == (names[200:], None)


async def test_a_number_that_was_moved_by_hand_is_shown_with_a_button_to_accept_it(house):
    now = house.app._clock()
    run = NumberRun("run_1", "rule", "Park silent numbers", now - 60, state="done", moves=1)
    move = Change(
        "c1", "run_1", "+13125550142", "regroup", {}, "silent", source="Main", to="Parked", state="done", moved=True,
        at=now - 60,
    )  # fmt: skip
    await house.app.store.add_run(run, [move])
    await house.app.store.save_numbers([Owned("+13125550142", "1", "Ads", group="Main", read_at=now)])
    _, text = await house.get("/numbers")
    assert "1 number was moved by hand" in text
    assert 'formaction="/do/numbers-accept" class="quiet" name="numbers" value="+13125550142"' in text
    await house.app.store.save_numbers([Owned("+13125550142", "1", "Ads", group="Parked", read_at=now)])
    assert "moved by hand" not in (await house.get("/numbers"))[1]


async def test_a_deed_of_a_page_leads_back_and_says_what_came_of_it(rang):
    answer, _ = await rang.post("/do/optout-add", number="312-555-0101", back="/people?q=1")
    assert answer.status == 303
    assert answer.headers["Location"].startswith("/people?q=1&said=")
    _, text = await rang.get(answer.headers["Location"])
    assert "+13125550101 is never texted again." in text
    _, text = await rang.get(answer.headers["Location"])
    assert "is never texted again" not in text, "it is said once"
    answer, _ = await rang.post("/do/optout-add", number="nobody", back="/people")
    _, text = await rang.get(answer.headers["Location"])
    assert "is no telephone number" in text
    assert (await rang.post("/do/nonsense"))[0].status == 404
    assert (await rang.post("/do/optout-add", VIEW, number="312-555-0101"))[0].status == 403


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/x", "javascript:alert(1)", "/\\evil.example"])
async def test_a_deed_never_leads_elsewhere(house, back):
    answer, _ = await house.post("/do/texts-off", back=back)
    where = answer.headers["Location"]
    assert where.startswith("/")
    assert not where.startswith(("//", "/\\"))


async def test_a_rule_is_switched_from_its_page(rang):
    await rang.post("/do/mode?rule=Text+back", mode="off", back="/rules")
    _, text = await rang.get("/rules")
    assert "by hand; the file says shadow" in text
    [rule] = [one for one in (await rang.api("/api/rules"))["rules"] if one["name"] == "Text back"]
    assert (rule["mode"], rule["file_mode"], rule["verdicts_7d"]) == ("off", "shadow", {"shadow": 1, "suppressed": 1})


async def test_the_file_is_shown_without_the_secrets_in_it(rang):
    _, text = await rang.get("/rules")
    assert "business: {name: Bright Plumbing" in text
    assert "cs_key_false" not in text
    assert "••••••" in text


async def test_a_changed_file_that_is_not_used_is_told(rang):
    rang.path.write_text("rules: nonsense\n")
    assert not await rang.app.reload(rang.path, {})
    _, text = await rang.get("/rules")
    assert "The changed file is not used" in text


async def test_a_delivery_that_failed_is_shown_with_its_reason_and_tried_again(house, sink, until):
    sink.down = True
    await house.ring("c1")

    async def dead():
        return (await house.app.store.states()).get("dead")

    await until(dead)
    _, text = await house.get("/")
    assert "1 delivery was given up on" in text
    _, text = await house.get("/connectors")
    assert "503" in text
    name = re.search(r'formaction="/do/retry" class="quiet" name="ids" value="([^"]+)"', text)[1]
    sink.down = False
    await house.post("/do/retry", ids=name, back="/connectors")
    await house.settled(until)
    assert (await house.app.store.states()).get("dead", 0) == 0


async def test_a_connector_is_paused_and_resumed(house, until):
    await house.post("/do/pause", connector="archive", back="/connectors")
    _, text = await house.get("/connectors")
    assert "paused" in text
    [archive] = [c for c in (await house.api("/api/connectors"))["connectors"] if c["name"] == "archive"]
    assert archive["state"] == "paused"
    _, text = await house.get("/")
    assert "archive is paused" in text
    assert "Everything works" not in text
    await house.post("/do/resume", connector="archive", back="/connectors")
    [archive] = [c for c in (await house.api("/api/connectors"))["connectors"] if c["name"] == "archive"]
    assert archive["state"] == "working"


async def test_an_alert_and_its_remedy_stand_on_the_start_page(house):
    store = house.app.store
    await store.open_alert("somebody:disk", "The disk is nearly full.", "Free some space.", now=house.app._clock())
    for path in ("/", "/alerts"):
        _, text = await house.get(path)
        assert "The disk is nearly full." in text
        assert "Free some space." in text
    await store.close_alert("somebody:disk", now=house.app._clock())
    _, text = await house.get("/alerts")
    assert "Nothing is wrong" in text


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


@pytest.mark.parametrize(("of", "status"), [("/nowhere", 404), ("/static/style.css", 404), ("//evil.example", 404)])
async def test_only_pages_are_streamed(house, of, status):
    answer, _ = await house.get(f"/live?of={of}")
    assert answer.status == status


async def test_a_stopping_relay_lets_open_pages_go(house):
    stream = listen(house, "/")
    await anext(stream)
    async with asyncio.timeout(PATIENCE):
        await house.app.stop()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


def test_every_template_belongs_to_a_page():
    drawn = {page.template for page in PAGES} | {"page.html", "bare.html", "macros.html"}
    drawn |= {"error.html", "signin.html", "reveal.html", "try.html"}
    assert set(environment().list_templates()) == drawn


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


async def test_nothing_that_a_page_can_do_is_open_to_those_who_only_look(house):
    for deed in house.app.deeds.forms:
        for path in (f"/do/{deed}", f"/api/do/{deed}"):
            answer, _ = await house.post(path, VIEW, number="+13125550101")
            assert answer.status == 403, path
    assert await house.app.store.acts(limit=9) == []
