"""Every page: it is there, it says what happened, it hides what it must, and what strangers wrote stays text."""

import contextlib
import re
import sqlite3

import pytest

from relay.dashboard.drawing import environment, static_files
from relay.dashboard.pages import PAGES
from relay.models import Owned
from relay.store.sqlite.connection import FileConnection
from tests.benchmarks.pages import LATEST
from tests.benchmarks.pages import PATHS as OF_THE_BENCH
from tests.dashboard.conftest import TOKEN, VIEW
from tests.store.test_indexes import WALK

PATHS = [page.path for page in PAGES if "{" not in page.path]


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


@pytest.mark.parametrize("path", ["/texts", "/people/+13125550101"])
async def test_a_text_leads_to_the_call_that_it_answers(rang, path):
    event = (await rang.api("/api/events/c1"))["event"]["id"]
    assert event in [text["event"] for text in (await rang.api("/api/texts"))["texts"]]
    _, page = await rang.get(path)
    texts = re.search(r'<table class="texts">.*?</table>', page, re.DOTALL)[0]
    assert f'href="/calls/{event}"' in texts
    assert (await rang.get(f"/calls/{event}"))[0].status == 200


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


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "1e9", "٣", f"1~{'9' * 40}"])
async def test_a_bent_place_in_a_list_is_the_first_page(rang, before):
    for path in ("/calls", "/connectors", "/refused", "/texts", "/people", "/numbers"):
        assert (await rang.get(f"{path}?before={before}"))[0].status == 200


async def test_lists_go_on_page_by_page(house, until):
    for number in range(60):
        await house.ring(f"c{number}", caller_name=f"Caller {number}.")
    await house.settled(until)
    _, first = await house.get("/calls")
    older = re.search(r'href="(\?before=\d+)">Older', first)[1]
    _, filtered = await house.get(f"/calls{older}&type=call.missed")
    assert 'href="?type=call.missed">Newest' in filtered
    _, second = await house.get(f"/calls{older}")
    shown = [re.findall(r"Caller (\d+)\.", page) for page in (first, second)]
    assert [len(page) for page in shown] == [50, 10]
    assert set(shown[0]) & set(shown[1]) == set()
    assert "Older" not in second
    assert "Newest" in second


async def test_no_page_reads_a_growing_table_from_end_to_end(rang, monkeypatch, tmp_path):
    """How long each takes with a million events is measured by `make bench ARGS=pages`."""
    asked, execute = {}, FileConnection.execute

    def noted(self, sql, values=()):
        asked[sql] = values
        return execute(self, sql, values)

    monkeypatch.setattr(FileConnection, "execute", noted)
    for path in OF_THE_BENCH:
        answer, _ = await rang.get(path.replace(LATEST, "c1").replace("17085550007", "13125550101"))
        assert answer.status == 200, path
    monkeypatch.undo()
    with contextlib.closing(sqlite3.connect(tmp_path / "relay.db")) as file:
        plans = {
            sql: [row[3] for row in file.execute(f"explain query plan {sql}", values)]
            for sql, values in asked.items()
            if sql.split(maxsplit=1)[0] in {"select", "with"}
        }
    assert len(plans) > len(OF_THE_BENCH)
    few = ("deliveries_backlog", "opt_outs")  # what is owed, by its own index; people who ever said STOP
    walks = {
        sql: steps
        for sql, steps in plans.items()
        if any(WALK.match(step) and not any(name in step for name in few) for step in steps)
    }
    # Newest first with a limit is read from its end, as far as the limit goes, where nothing has to be sorted for it.
    whole = [sql for sql, steps in walks.items() if "desc limit ?" not in sql or "TEMP B-TREE" in str(steps)]
    assert whole == []


@pytest.mark.parametrize(
    ("path", "newest"),
    [("/connectors?before=1", "?"), ("/refused?before=1&kind=test", "?kind=test"), ("/texts?before=1~1", "?")],
)
async def test_every_list_leads_back_to_its_newest(rang, path, newest):
    assert f'href="{newest}">Newest' in (await rang.get(path))[1]


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


async def test_what_cannot_text_says_so_where_a_phone_shows_it_too(house):
    now = house.app._clock()
    mute = Owned("+13125550147", "a", "Old flyer", group="Main", sms_enabled=False, read_at=now)
    await house.app.store.save_numbers([mute, Owned("+13125550142", "b", "Ads", sms_enabled=True, read_at=now)])
    _, text = await house.get("/numbers")
    everywhere = re.sub(r'<td class="wide">.*?</td>', "", text, flags=re.DOTALL)
    assert re.findall(r"\(312\) 555-01(\d\d) · cannot text", everywhere) == ["47"]


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


def test_every_template_belongs_to_a_page():
    drawn = {page.template for page in PAGES} | {"page.html", "bare.html", "macros.html"}
    drawn |= {"error.html", "signin.html", "reveal.html", "try.html"}
    assert set(environment().list_templates()) == drawn
