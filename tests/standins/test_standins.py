from __future__ import annotations

import asyncio

import aiohttp
import pytest

from relay.standins import CrmStandIn, GoogleStandIn, SinkStandIn, SlackStandIn
from relay.standins.crm import TOKEN
from relay.standins.google_tokens import GRANT
from relay.standins.sheet import Area, BadRange, Sheet, letters, read_range
from tests.patience import PATIENCE

LONG_HEADER = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def started():
    running = []

    async def start(stand_in):
        await stand_in.start()
        running.append(stand_in)
        return stand_in

    yield start
    for stand_in in running:
        await stand_in.stop()


async def test_a_sink_keeps_method_path_headers_and_raw_body(started, session):
    sink = await started(SinkStandIn(status=202))
    async with session.put(f"{sink.url}/a/b?c=d", data=b"\x00raw", headers={"X-One": "1"}) as answer:
        assert answer.status == 202
    (request,) = sink.requests
    assert (request.method, request.path, request.query, request.body) == ("PUT", "/a/b", {"c": "d"}, b"\x00raw")
    assert (request.headers["X-One"], request.status) == ("1", 202)


async def test_down_means_503_and_nothing_done(started, session):
    sink = await started(SinkStandIn())
    sink.down = True
    async with session.post(sink.url) as answer:
        assert answer.status == 503
    assert sink.bodies == []
    sink.down = False
    async with session.post(sink.url) as answer:
        assert answer.status == 200


async def test_faults_strike_in_order_and_only_where_they_should(started, session):
    sink = await started(SinkStandIn())
    sink.let_next()
    sink.fail_next(1, 418, {"X-Why": "tea"}, where="POST /b")
    seen = []
    for path in ("/a", "/a", "/b", "/b"):
        async with session.post(sink.url + path) as answer:
            seen.append(answer.status)
    assert seen == [200, 200, 418, 200]


@pytest.mark.parametrize(("acted", "bodies"), [(False, 0), (True, 1)])
async def test_a_connection_is_cut_before_acting_or_after(started, session, acted, bodies):
    sink = await started(SinkStandIn())
    sink.reset_next(acted=acted)
    with pytest.raises(aiohttp.ClientError):
        await session.post(sink.url, data=b"x")
    assert len(sink.bodies) == bodies
    assert sink.requests[0].status == 0


def test_whether_the_next_request_may_hang_is_known():
    sink = SinkStandIn()
    assert not sink.may_hang
    sink.reset_next(where="/elsewhere")
    sink.hang_next(where="/here")
    assert sink.may_hang
    sink.no_more_faults()
    sink.let_next()
    sink.hang_next()
    assert not sink.may_hang, "the one after it does"


async def test_stopping_frees_what_hangs(started, session):
    sink = await started(SinkStandIn())
    sink.hang_next()
    asking = asyncio.create_task(session.post(sink.url))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(asking), 0.1)
    async with asyncio.timeout(PATIENCE):
        await sink.stop()
        with pytest.raises(aiohttp.ClientError):
            await asking


async def test_one_can_wait_for_what_comes(started, session):
    sink = await started(SinkStandIn())
    waiting = asyncio.create_task(sink.wait_for(lambda: len(sink.requests) == 2))
    for _ in range(2):
        await session.post(sink.url)
    await waiting


@pytest.mark.parametrize(
    ("path", "payload", "refusal"),
    [
        ("", {"text": "hello"}, (200, "ok")),
        ("x", {"text": "hello"}, (403, "invalid_token")),
        ("", {"text": ""}, (400, "no_text")),
        ("", [], (400, "invalid_payload")),
        ("", {"blocks": [LONG_HEADER]}, (400, "invalid_blocks")),
        ("", {"blocks": [{"type": "divider"}] * 51}, (400, "invalid_blocks")),
    ],
)
async def test_slack_refuses_in_its_own_words(started, session, path, payload, refusal):
    slack = await started(SlackStandIn())
    async with session.post(slack.webhook_url + path, json=payload) as answer:
        assert (answer.status, await answer.text()) == refusal
    assert len(slack.messages) == (refusal == (200, "ok"))


async def test_slack_asks_for_time_when_messages_come_too_fast(started, session):
    slack = await started(SlackStandIn(per_second=0.001))
    statuses = []
    for _ in range(2):
        async with session.post(slack.webhook_url, json={"text": "x"}) as answer:
            statuses.append((answer.status, answer.headers.get("Retry-After")))
    assert statuses == [(200, None), (429, "1")]


async def test_a_crm_needs_its_token_and_honours_keys_when_told_to(started, session):
    for honoured, contacts in ((True, 1), (False, 2)):
        crm = await started(CrmStandIn(keys_honoured=honoured))
        headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "k"}
        for _ in range(2):
            async with session.post(f"{crm.base_url}/contacts", json={"phone": "1"}, headers=headers) as answer:
                assert answer.status == 201
        assert len(crm.contacts) == contacts
    async with session.get(f"{crm.base_url}/contacts?phone=1") as answer:
        assert answer.status == 401
    async with session.patch(f"{crm.base_url}/contacts/c9", json={}, headers=headers) as answer:
        assert answer.status == 404
    async with session.post(f"{crm.base_url}/contacts", data=b"{", headers=headers) as answer:
        assert answer.status == 400


async def test_google_refuses_a_forged_assertion_and_a_token_it_never_gave(started, session):
    google = await started(GoogleStandIn())
    form = {"grant_type": GRANT, "assertion": "e30.e30.AAAA"}
    async with session.post(f"{google.url}/token", data=form) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_grant")
    async with session.get(
        f"{google.url}/v4/spreadsheets/{google.spreadsheet}", headers={"Authorization": "Bearer ya29.forged"}
    ) as answer:
        assert answer.status == 401


@pytest.fixture
async def google(started):
    return await started(GoogleStandIn())


@pytest.fixture
def ask(google, session):
    google.account._tokens["ya29.test"] = float("inf")

    async def ask(method, path, **others):
        url = f"{google.url}/v4/spreadsheets/{google.spreadsheet}{path}"
        async with session.request(method, url, headers={"Authorization": "Bearer ya29.test"}, **others) as answer:
            return answer.status, await answer.json()

    return ask


async def test_google_takes_raw_only(ask, google):
    for option, status in (("RAW", 200), ("USER_ENTERED", 400), ("", 400)):
        query = f"?valueInputOption={option}" if option else ""
        assert (await ask("PUT", f"/values/A1{query}", json={"values": [["=1"]]}))[0] == status
    assert google.table("Sheet1") == [["=1"]]


async def test_google_writes_many_ranges_or_none(ask, google):
    data = [{"range": "A1", "values": [["x"]]}, {"range": "Nowhere!A1", "values": [["y"]]}]
    status, answer = await ask("POST", "/values:batchUpdate", json={"valueInputOption": "RAW", "data": data})
    assert status == 400
    assert "Unable to parse range: Nowhere!A1" in answer["error"]["message"]
    assert google.table("Sheet1") == []


async def test_google_counts_requests_and_says_when_it_is_enough(ask, google):
    google.reads_a_minute = 2
    statuses = [(await ask("GET", "/values/A1:B2"))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_google_wants_to_be_asked_to_share(ask, google):
    google.shared = False
    status, answer = await ask("GET", "")
    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")


async def test_google_adds_worksheets_once(ask):
    wanted = {"requests": [{"addSheet": {"properties": {"title": "Calls"}}}]}
    assert (await ask("POST", ":batchUpdate", json=wanted))[0] == 200
    status, answer = await ask("POST", ":batchUpdate", json=wanted)
    assert (status, "already exists" in answer["error"]["message"]) == (400, True)
    assert (await ask("POST", ":batchUpdate", json={"requests": []}))[0] == 400


@pytest.mark.parametrize(
    ("text", "title", "area"),
    [
        ("Calls!A1:F10", "Calls", Area(0, 0, 10, 6)),
        ("'It''s'!1:1", "It's", Area(0, 0, 1, None)),
        ("Calls!G:G", "Calls", Area(0, 6, None, 7)),
        ("Calls!B2", "Calls", Area(1, 1, 2, 2)),
        ("Calls!A2:C", "Calls", Area(1, 0, None, 3)),
        ("Calls", "Calls", Area()),
        ("AA10:AB11", "Calls", Area(9, 26, 11, 28)),
    ],
)
def test_ranges_are_read_as_a1_notation(text, title, area):
    assert read_range(text, ["Calls", "It's"]) == (title, area)


@pytest.mark.parametrize("text", ["Nowhere!A1", "Calls!", "Calls!?", "Calls!A0", "", "'Calls'!"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(BadRange, match="Unable to parse range"):
        read_range(text, ["Calls"])


def test_writing_beyond_the_grid_is_refused_and_appending_grows_it():
    sheet = Sheet("Calls", 1, rows=2, columns=2)
    with pytest.raises(BadRange, match=r"exceeds grid limits\. Max rows: 2, max columns: 2"):
        sheet.write(Area(0, 2), [["x"]])
    sheet.append(Area(0, 0, 1, 1), [["a", "b", "c"]] * 3, insert=False)
    assert len(sheet.read(Area())) == 3


def test_a_value_outside_the_named_range_is_refused():
    with pytest.raises(BadRange, match="outside"):
        Sheet("Calls", 1).write(Area(0, 0, 1, 1), [["a", "b"]])


def test_append_goes_below_the_table_and_may_insert():
    sheet = Sheet("Calls", 1, cells=[["H"], ["1"], [], ["far below"]])
    table, written = sheet.append(Area(0, 0, 1, 1), [["2"], ["3"]], insert=True)
    assert (table, written) == (Area(0, 0, 2, 1), Area(2, 0, 4, 1))
    assert sheet.cells == [["H"], ["1"], ["2"], ["3"], [], ["far below"]]


def test_append_follows_the_left_edge_of_the_table_as_google_does():
    sheet = Sheet("Calls", 1, cells=[["", "H"], ["", "1"]])
    sheet.append(Area(0, 0, 1, 2), [["2"]], insert=False)
    assert sheet.cells[2] == ["", "2"]


def test_nothing_is_written_over_a_cell_that_is_skipped():
    sheet = Sheet("Calls", 1, cells=[["a", "b"]])
    sheet.write(Area(), [[None, "c"]])
    assert sheet.cells == [["a", "c"]]


@pytest.mark.parametrize(("column", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ")])
def test_columns_have_letters(column, name):
    assert letters(column) == name
