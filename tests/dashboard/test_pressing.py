"""What is pressed on a page: it is done, told, written down, and nothing that those may do who only look."""

import re

import pytest

from relay.dashboard.pages import PAGES
from relay.models import Change, NumberRun, Owned
from tests.dashboard.conftest import TOKEN, VIEW

PATHS = [page.path for page in PAGES if "{" not in page.path]


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


async def test_who_was_signed_out_meanwhile_is_told_that_nothing_was_done(house):
    async with house.client.post(f"{house.url}/do/texts-off", data={}, headers={"Accept": "text/html"}) as answer:
        assert answer.status == 401
        assert "You were signed out, and nothing was done" in await answer.text()
    assert not await house.app.store.texts_are_off()
    assert "nothing was done" not in (await house.get("/texts", None))[1]


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


async def test_a_delivery_that_failed_is_shown_with_its_reason_and_tried_again(house, sink, until):
    sink.down = True
    await house.ring("c1")

    async def dead():
        return (await house.app.store.states()).get("dead")

    await until(dead)
    _, text = await house.get("/")
    assert "1 delivery was given up on" in text
    assert "1 thing needs somebody" in text
    await house.app.store.open_alert("somebody:disk", "The disk is full.", "Free some.", now=house.app._clock())
    assert "2 things need somebody" in (await house.get("/"))[1]
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


async def test_nothing_that_a_page_can_do_is_open_to_those_who_only_look(house):
    for deed in house.app.deeds.forms:
        for path in (f"/do/{deed}", f"/api/do/{deed}"):
            answer, _ = await house.post(path, VIEW, number="+13125550101")
            assert answer.status == 403, path
    assert await house.app.store.acts(limit=9) == []
