import tracemalloc

import pytest

from relay.callscaler.answers import Page
from relay.callscaler.paging import by_cursor, by_number, by_offset
from relay.errors import Unavailable


def calls(*ids, **more):
    return {"data": {"calls": [{"id": id_} for id_ in ids], **more}}


async def ids(rows):
    return [row.id async for row in rows]


async def gathered(rows):
    """The ids that came before the error, and the error."""
    found = []
    try:
        async for row in rows:
            found.append(row.id)  # noqa: PERF401 - what came before the error counts
    except Unavailable as failure:
        return found, str(failure)
    pytest.fail(f"no error after {found}")


async def test_calls_follow_the_cursor_to_the_end(client, service):
    service.says(
        calls("a", "b", has_more=True, next_cursor="1"),
        calls("c", has_more=True, next_cursor="2"),
        calls("d", has_more=False),
    )
    assert await ids(client.calls.list(status="completed")) == ["a", "b", "c", "d"]
    assert [asked.query.get("cursor") for asked in service.asked] == [None, "1", "2"]
    assert {asked.query["limit"] for asked in service.asked} == {"100"}
    assert {asked.query["status"] for asked in service.asked} == {"completed"}


async def test_a_nested_pagination_object_is_read_too(client, service):
    service.says(
        calls("a", pagination={"has_more": True, "next_cursor": "1"}), calls("b", pagination={"has_more": False})
    )
    assert await ids(client.calls.list()) == ["a", "b"]


@pytest.mark.parametrize(
    "body", [[{"id": "a"}], {"calls": [{"id": "a"}]}, {"data": [{"id": "a"}]}, {"data": {"rows": [{"id": "a"}]}}]
)
async def test_rows_are_found_with_and_without_an_envelope(client, service, body):
    service.says(body)
    assert await ids(client.calls.list()) == ["a"]


async def test_a_repeated_cursor_ends_in_an_error_after_the_rows(client, service):
    service.says(
        calls("a", has_more=True, next_cursor="1"),
        calls("b", has_more=True, next_cursor="2"),
        calls("c", has_more=True, next_cursor="1"),
    )
    found, said = await gathered(client.calls.list())
    assert found == ["a", "b", "c"]
    assert "repeated a cursor" in said
    assert len(service.asked) == 3


async def test_a_cursor_that_the_caller_came_with_may_not_be_answered_again(client, service):
    service.says(calls("a", has_more=True, next_cursor="1"))
    found, said = await gathered(client.calls.list(cursor="1"))
    assert (found, "repeated a cursor" in said) == (["a"], True)


async def test_has_more_without_a_cursor_is_an_error_after_the_rows(client, service):
    service.says(calls("a", has_more=True))
    found, said = await gathered(client.calls.list())
    assert found == ["a"]
    assert "has_more without a next_cursor" in said


async def test_the_same_page_under_new_cursors_is_an_error(client, service):
    service.says(calls("a", has_more=True, next_cursor="1"), calls("a", has_more=True, next_cursor="2"))
    found, said = await gathered(client.calls.list())
    assert found == ["a"]
    assert "same page twice" in said


async def test_has_more_for_ever_without_rows_is_an_error(client, service):
    service.says(calls(has_more=True, next_cursor="1"))
    _, said = await gathered(client.calls.list())
    assert "shows nothing" in said


@pytest.mark.parametrize("walk", [by_cursor, by_offset, by_number])
async def test_no_walk_goes_on_for_ever(walk):
    asked = []

    async def endless(values):
        asked.append(values)
        number = len(asked)
        return Page(({"id": number},), has_more=True, next_cursor=str(number))

    with pytest.raises(Unavailable, match="did not end within 7 pages"):
        async for _ in walk(endless, {"limit": 1}, most_pages=7):
            pass
    assert len(asked) == 7


async def test_a_page_that_fails_leaves_the_rows_before_it(client, service):
    service.says(calls("a", has_more=True, next_cursor="1"), (500, ""))
    found, _ = await gathered(client.calls.list())
    assert found == ["a"]


async def test_calls_without_any_word_on_paging_go_by_offset_until_nothing_new_comes(client, service):
    service.says(calls("a", "b"), calls("c"), calls("c"))
    assert await ids(client.calls.list(limit=2)) == ["a", "b", "c"]
    assert [asked.query.get("offset") for asked in service.asked] == [None, "2", "3"]


async def test_calls_go_by_page_number_when_asked_to(client, service):
    service.says(calls("a", "b"), calls("c"), calls())
    assert await ids(client.calls.list(per_page=2)) == ["a", "b", "c"]
    assert [asked.query for asked in service.asked] == [{"page": str(n), "per_page": "2"} for n in (1, 2, 3)]


async def test_fewer_calls_are_asked_for_when_transcripts_come_along(client, service):
    service.says(calls("a", has_more=False))
    await ids(client.calls.list(include=["transcription", "summary"]))
    await ids(client.calls.list(limit=9999))
    assert service.asked[0].query == {"include": "transcription,summary", "limit": "25"}
    assert service.asked[1].query == {"limit": "500"}


async def test_ten_thousand_calls_need_the_memory_of_one_page():
    async def ask(values):
        start = int(values.get("cursor") or 0)
        rows = tuple({"id": str(n), "summary": "x" * 2000} for n in range(start, start + 100))
        return Page(rows, has_more=start + 100 < 10_000, next_cursor=str(start + 100))

    count = 0
    tracemalloc.start()
    async for page in by_cursor(ask, {}):
        count += len(page.rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 10_000
    assert peak < 2_000_000


def deliveries(*ids_, total):
    return {"data": {"deliveries": [{"id": id_} for id_ in ids_], "total": total}}


async def test_deliveries_go_by_offset_up_to_the_total(client, service):
    service.says(deliveries("a", "b", total=3), deliveries("c", total=3))
    assert await ids(client.webhook_deliveries.list(status="failed")) == ["a", "b", "c"]
    assert [asked.query for asked in service.asked] == [
        {"status": "failed", "limit": "100"},
        {"status": "failed", "limit": "100", "offset": "2"},
    ]


async def test_a_delivery_that_moved_to_the_next_page_is_shown_once(client, service):
    service.says(deliveries("a", "b", total=4), deliveries("b", "c", total=5), deliveries("d", total=5))
    assert await ids(client.webhook_deliveries.list()) == ["a", "b", "c", "d"]


async def test_a_total_that_is_never_reached_ends_when_nothing_new_comes(client, service):
    service.says(deliveries("a", total=9), deliveries("a", total=9))
    assert await ids(client.webhook_deliveries.list()) == ["a"]
    service.says(deliveries(total=9))
    assert await ids(client.webhook_deliveries.list()) == []


async def test_a_short_listing_is_asked_once_and_read_on_only_if_its_total_says_so(client, service):
    service.says({"data": {"number_groups": [{"id": "a"}]}})
    assert [group.id for group in await client.number_groups.list()] == ["a"]
    assert [asked.query for asked in service.asked] == [{}]
    service.says({"data": {"number_groups": [{"id": "a"}], "total": 2}}, {"data": {"number_groups": [{"id": "b"}]}})
    assert [group.id for group in await client.number_groups.list()] == ["a", "b"]
    assert service.asked[-1].query == {"offset": "1"}


async def test_a_list_that_is_null_is_empty(client, service):
    service.says({"data": {"numbers": None, "total": 0}})
    assert await client.numbers.list() == []


async def test_a_row_without_an_id_is_an_error_and_not_skipped(client, service):
    service.says({"data": {"numbers": [{"id": "a"}, {"phone_number": "+15735550123"}], "total": 2}})
    with pytest.raises(Unavailable, match=r"Number that cannot be read \(id\)") as caught:
        await client.numbers.list()
    assert "+1573" not in str(caught.value)
