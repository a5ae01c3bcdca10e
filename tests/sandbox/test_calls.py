"""Reading calls: parts, filters, figures."""

import csv
import datetime as dt
import io
import json

import pytest

MONTH = dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp()


async def walk(client, query="", *, nested=False):
    """Every page of the cursor."""
    pages, cursor = [], None
    while True:
        params = dict(pair.split("=") for pair in query.split("&") if pair) | ({"cursor": cursor} if cursor else {})
        page = await client.data("GET", "/calls", params=params)
        place = page["pagination"] if nested else page
        pages.append([row["id"] for row in page["calls"]])
        if not place["has_more"]:
            assert place["next_cursor"] is None
            return pages
        cursor = place["next_cursor"]


@pytest.mark.parametrize("sort", ["created_at", "duration_seconds", "ai_score", "caller_name"])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_the_cursor_gives_each_call_once_in_every_order(client, sort, order):
    pages = await walk(client, f"limit=5&sort_by={sort}&sort_order={order}")
    ids = [call_id for page in pages for call_id in page]
    assert [len(page) for page in pages] == [5, 5, 5, 5, 4]
    assert len(set(ids)) == 24
    whole = (await client.data("GET", f"/calls?limit=500&sort_by={sort}&sort_order={order}"))["calls"]
    assert ids == [row["id"] for row in whole]


async def test_a_call_that_comes_in_between_shifts_no_page(client, sandbox):
    first = await client.data("GET", "/calls?limit=10")
    await sandbox.phone.ring("missed", caller="+13125550101")
    second = await client.data("GET", "/calls", params={"limit": 10, "cursor": first["next_cursor"]})
    assert not {row["id"] for row in first["calls"]} & {row["id"] for row in second["calls"]}


async def test_pagination_can_be_nested(world):
    _, client = await world(nested_pagination=True)
    assert [len(page) for page in await walk(client, "limit=20", nested=True)] == [20, 4]


async def test_offset_and_page_number_work_too(client):
    whole = (await client.data("GET", "/calls"))["calls"]
    assert (await client.data("GET", "/calls?limit=3&offset=3"))["calls"] == whole[3:6]
    assert (await client.data("GET", "/calls?page=2&per_page=3"))["calls"] == whole[3:6]


@pytest.mark.parametrize("cursor", ["x", "e30", "bnVsbA", "WzEsMiwzLDRd", "é", "W10"])
async def test_a_cursor_of_somebody_else_is_refused(client, cursor):
    assert (await client.ask("GET", "/calls", params={"cursor": cursor}))[0] == 400


async def test_updated_since_catches_what_changed_later(client, sandbox, clock):
    old = await sandbox.phone.ring("answered", caller="+13125550101", webhook=False)
    clock.now += 100
    since = dt.datetime.fromtimestamp(clock.now - 1, dt.UTC).isoformat().replace("+00:00", "Z")
    assert (await client.data("GET", "/calls", params={"updated_since": since}))["calls"] == []
    await sandbox.phone.enrich(old, transcription="Hello", summary="A greeting", ai_score=70, qualified_ai=True)
    found = await client.data("GET", "/calls", params={"updated_since": since, "include": "transcription,summary"})
    assert [(row["id"], row["transcription"], row["ai_score"], row["qualified_ai"]) for row in found["calls"]] == [
        (old, "Hello", 70, True)
    ]


async def test_what_was_said_is_told_only_when_asked_for(client, sandbox):
    call = await sandbox.phone.ring("answered", caller="+13125550101", ai={"transcription": "Hello"})
    row = (await client.data("GET", "/calls?limit=1"))["calls"][0]
    assert row["has_transcription"] is True
    assert not {"transcription", "summary"} & set(row)
    assert "summary" not in (await client.data("GET", "/calls?limit=1&include=transcription"))["calls"][0]
    assert (await client.data("GET", f"/calls/{call}"))["call"]["transcription"] == "Hello"
    assert await client.data("GET", f"/calls/{call}/transcription") == {"transcription": "Hello"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search": "+13125550101"}, {"a", "out"}),
        ({"search": "3125550102"}, {"b"}),
        ({"search": "Facebook"}, {"b"}),
        ({"search": "100%"}, set()),
        ({"status": "no-answer"}, {"b"}),
        ({"direction": "outbound"}, {"out"}),
        ({"source": "facebook"}, {"b"}),
        ({"min_duration": 50, "max_duration": 70}, {"a"}),
        ({"min_ai_score": 80}, {"a"}),
        ({"ai_category": "lead"}, {"a"}),
        ({"qualified": "true"}, {"a"}),
        ({"qualified": "false"}, {"b", "out"}),
        ({"has_transcription": "true"}, {"a"}),
        ({"keyword": "heater"}, {"a"}),
        ({"caller_name": "dana"}, {"a"}),
        ({"start_date": "2026-03-02"}, {"b", "out"}),
        ({"end_date": "2026-03-02"}, {"a"}),
    ],
)
async def test_filters(world, query, expected):
    sandbox, client = await world(past_calls=0)
    ai = {
        "transcription": "leak",
        "ai_score": 82,
        "ai_category": "lead",
        "qualified_ai": True,
        "keywords_spotted": ["water heater"],
    }
    ring, day = sandbox.phone.ring, 86_400
    names = {
        await ring("answered", caller="+13125550101", name="Dana", duration=60, at=MONTH, ai=ai): "a",
        await ring("missed", caller="+13125550102", number="+13125550143", at=MONTH + day): "b",
        await ring("answered", caller="+13125550101", direction="outbound", duration=9, at=MONTH + 2 * day): "out",
    }
    found = await client.data("GET", "/calls", params=query)
    assert {names[row["id"]] for row in found["calls"]} == expected


async def test_batch_gives_those_that_exist(client, sandbox):
    call = await sandbox.phone.ring("missed", caller=None)
    found = await client.data("POST", "/calls/batch", json={"ids": ["nobody", call, call]})
    assert [row["id"] for row in found["calls"]] == [call]


async def test_a_recording_plays_and_a_missed_call_has_none(client, sandbox):
    spoken = await sandbox.phone.ring("answered", caller="+13125550101", duration=5)
    missed = await sandbox.phone.ring("missed", caller="+13125550101")
    status, headers, audio = await client.raw("GET", f"/calls/{spoken}/recording")
    assert (status, headers["Content-Type"], audio[:2]) == (200, "audio/mpeg", b"\xff\xfb")
    assert (await client.ask("GET", f"/calls/{missed}/recording"))[0] == 404


async def test_the_export_is_csv(client):
    _, headers, body = await client.raw("GET", "/calls/export?status=completed")
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert headers["Content-Type"].startswith("text/csv")
    assert {row["status"] for row in rows} == {"completed"}
    assert len(rows) == 13


async def test_the_dashboard_counts_as_the_documented_example_does(world):
    sandbox, client = await world(past_calls=0)
    seconds = 1240 * 60 + 13
    outcomes = ["answered"] * 285 + ["missed"] * 30 + ["busy"] * 8 + ["failed"] * 3 + ["voicemail"] * 16
    for nth, outcome in enumerate(outcomes):
        sandbox.phone.remember(
            outcome,
            caller=f"+1312555{nth % 267:04}",
            duration=seconds if nth == 0 else 0,
            at=MONTH + nth * 7_800,
            ai={"qualified_ai": nth < 198},
        )
    expected = {
        "total_calls": 342,
        "answered_calls": 285,
        "missed_calls": 41,
        "voicemail_calls": 16,
        "qualified_calls": 198,
        "unique_callers": 267,
        "total_minutes": 1240,
        "average_duration": 217,
    }
    assert await client.data("GET", "/dashboard/stats?date_from=2026-03-01&date_to=2026-03-31") == expected
    last_day = await client.data("GET", "/dashboard/stats?date_from=2026-03-31&date_to=2026-03-31")
    assert last_day["total_calls"] == 9
    assert (await client.data("GET", "/dashboard/stats?date_to=2026-02-28"))["average_duration"] == 0
    assert (await client.ask("GET", "/dashboard/stats?date_from=2026-03-02&date_to=2026-03-01"))[0] == 400


async def test_analytics_count_by_groups(client):
    answer = await client.data(
        "GET", "/analytics/calls?group_by=status,direction&metrics=count,avg_duration&sort_by=count"
    )
    assert list(answer) == ["data", "totals", "count"]
    assert answer["data"][0]["status"] == "completed"
    assert sum(row["count"] for row in answer["data"]) == answer["totals"]["count"] == 24
    assert answer["count"] == len(answer["data"])


@pytest.mark.parametrize("group", ["date", "week", "month", "hour_of_day", "day_of_week", "call_flow", "call_flow_id"])
async def test_analytics_know_time_and_call_flow(client, group):
    answer = await client.data("GET", f"/analytics/calls?group_by={group}")
    assert sum(row["count"] for row in answer["data"]) == 24


async def test_a_week_begins_on_monday_and_sunday_is_day_0(world):
    sandbox, client = await world(past_calls=0)
    sandbox.phone.remember("missed", caller=None, at=MONTH)  # a Sunday
    answer = await client.data("GET", "/analytics/calls?group_by=week,day_of_week")
    assert answer["data"] == [{"week": "2026-02-23", "day_of_week": 0, "count": 1}]


@pytest.mark.parametrize(
    "query", ["", "group_by=", "group_by=x", "group_by=date,week,month,status", "group_by=date&metrics=x"]
)
async def test_analytics_refuse_what_they_do_not_know(client, query):
    status, answer = await client.ask("GET", f"/analytics/calls?{query}")
    assert (status, list(answer)) == (400, ["error"])


async def test_no_answer_holds_anything_but_json(client):
    _, _, body = await client.raw("GET", "/calls?limit=500")
    assert json.loads(body)["data"]["has_more"] is False
