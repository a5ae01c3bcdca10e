import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import BadBody
from relay.intake import merge, read_event
from relay.intake.reading import ALIASES, _meant

NOW = 1772467200.0
SPELLINGS = sorted({spelling for spellings in ALIASES.values() for spelling in spellings})


def read(**fields):
    return read_event(fields, "callscaler", NOW).event


def missed(**fields):
    return read(**{"event": "call.missed", "call_id": "c1", **fields})


@pytest.mark.parametrize(
    ("fields", "kind", "outcome"),
    [
        ({"event": "call.completed"}, "call.completed", "answered"),
        ({"event": "call.missed"}, "call.missed", "missed"),
        ({"event": "call.voicemail"}, "call.voicemail", "voicemail"),
        ({"event": "call.failed"}, "call.failed", "failed"),
        ({"event": "call.ended", "status": "answered"}, "call.completed", "answered"),
        ({"event": "call.ended", "status": "missed"}, "call.missed", "missed"),
        ({"event": "call.ended", "status": "voicemail"}, "call.voicemail", "voicemail"),
        ({"event": "call.ended"}, "call.completed", "answered"),
        ({"event_type": "call.answered"}, "call.completed", "answered"),
        ({"event_type": "missed"}, "call.missed", "missed"),
        ({"status": "busy"}, "call.missed", "missed"),
        ({"callStatus": "completed"}, "call.completed", "answered"),
        ({"event": "call.started"}, "call.started", None),
        ({"event": "invoice.paid"}, "invoice.paid", None),
    ],
)
def test_every_spelling_of_a_type_is_read(fields, kind, outcome):
    event = read(call_id="c1", **fields)
    assert (event.type, event.call.get("outcome")) == (kind, outcome)


def test_the_shape_of_2024_is_read_like_that_of_today():
    event = read(
        event="call.ended",
        call_id="legacy-1",
        status="answered",
        caller_number="(312) 555-0101",
        caller_state="IL",
        robo_risk_score=5,
        timestamp="2026-03-02T15:58:00Z",
    )
    assert event.caller == "+13125550101"
    assert event.caller_raw == "(312) 555-0101"
    assert event.call["robo_score"] == 5
    assert event.call["caller_region"] == "IL"
    assert event.started_at == NOW - 120


@pytest.mark.parametrize("spelling", ["call_id", "id", "callId"])
def test_the_id_has_three_spellings(spelling):
    assert read(**{"event": "call.missed", spelling: "c9"}).key == "c9"


def test_a_body_of_an_id_and_a_type_is_enough():
    event = missed()
    assert (event.caller, event.number, event.started_at, event.age_known) == (None, None, None, True)
    assert event.call["direction"] == "inbound"


@given(st.sampled_from(sorted(set(SPELLINGS) - {"call_id", "event"})))
def test_any_field_but_the_id_may_be_null(spelling):
    assert missed(**{spelling: None}).key == "c1"


def test_the_caller_is_the_outside_person_whichever_way_the_call_went():
    inbound = missed(caller_number="+13125550101", tracking_number="+13125550142", destination_number="+13125550167")
    outbound = missed(
        direction="outbound",
        caller_number="+13125550142",
        tracking_number="+13125550142",
        destination_number="+13125550109",
    )
    assert (inbound.caller, inbound.number) == ("+13125550101", "+13125550142")
    assert (outbound.caller, outbound.number) == ("+13125550109", "+13125550142")


@pytest.mark.parametrize("written", ["anonymous", "+266696687", "unknown", "", "12", "<script>"])
def test_a_number_that_cannot_be_read_is_no_number_but_kept_as_written(written):
    event = missed(caller_number=written)
    assert event.caller is None
    assert event.caller_raw == (written or None)


@pytest.mark.parametrize(
    "written",
    [
        "1970-01-01T00:00:00Z",
        "2099-01-01T00:00:00Z",
        "2026-03-02T15:58:00",
        "2026-03-02T24:00:00Z",
        "2026-03-02T24:61:00Z",
        1772467080000,
        "soon",
    ],
)
def test_a_time_that_cannot_be_believed_tells_no_age(written):
    event = missed(created_at=written)
    assert (event.started_at, event.age_known, event.began_at) == (None, False, NOW)
    assert event.raw["created_at"] == written


def test_a_clock_may_run_five_minutes_ahead():
    assert missed(created_at="2026-03-02T16:05:00Z").age_known
    assert not missed(created_at="2026-03-02T16:05:01Z").age_known


@pytest.mark.parametrize("written", ["nan", "inf", "1e400", "1e300", 2**62, "many", ""])
def test_a_number_that_is_none_says_nothing(written):
    assert "duration" not in missed(duration_seconds=written).call


@pytest.mark.parametrize(
    "field", ["caller_number", "caller_name", "direction", "duration_seconds", "ai_category", "tracking_number"]
)
@pytest.mark.parametrize("value", [["x"], {"a": 1}, True, False])
def test_a_list_an_object_or_a_yes_where_text_is_due_is_refused(field, value):
    with pytest.raises(BadBody) as refused:
        missed(**{field: value})
    assert refused.value.status == 400


def test_unknown_fields_are_kept_as_they_came():
    event = missed(keywords_spotted=["leak"], metadata={"a": {"b": [1]}})
    assert event.raw["keywords_spotted"] == ["leak"]
    assert event.raw["metadata"] == {"a": {"b": [1]}}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"test": True},
        {"message": "hello"},
        {"event": "test"},
        {"event": "webhook.test", "id": 7},
        {"event": "TEST", "id": "x1"},
        {"id": "x1", "message": "hello"},
        {"event": "call.completed", "test": True},
        {"event": "call.completed", "call_id": None, "test": "true"},
    ],
)
def test_an_object_that_is_no_call_is_taken_for_the_test_button(fields):
    assert read_event(fields, "callscaler", NOW).event is None


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "call.missed"},
        {"event": "call.missed", "call_id": ""},
        {"event": "call.missed", "call_id": 17},
        {"event": "call.missed", "call_id": "with space"},
        {"event": "call.missed", "call_id": "x" * 201},
        {"event": "call.missed", "call_id": "ü"},
        {"event": "call.missed", "call_id": ["a"]},
        {"call_id": "c1"},
        {"event": 5, "call_id": "c1"},
        {"event": "Call Missed", "call_id": "c1"},
        {"event": "x" * 65, "call_id": "c1"},
        {"event": "other", "call_id": 5},
        {"status": "missed", "caller_number": "+13125550101"},
    ],
)
def test_a_call_whose_id_or_type_is_unusable_is_refused(fields):
    with pytest.raises(BadBody) as refused:
        read_event(fields, "callscaler", NOW)
    assert refused.value.status == 422


@pytest.mark.parametrize("body", [[], "text", 5, None, True])
def test_json_that_is_no_object_is_refused(body):
    with pytest.raises(BadBody) as refused:
        read_event(body, "callscaler", NOW)
    assert refused.value.status == 422


def test_a_call_that_says_it_is_a_test_is_marked():
    assert missed(test=True).call["is_test"] is True
    assert missed().call["is_test"] is False


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\x9b", "\u2028", "\u202e", "\ud800"])
def test_no_text_keeps_what_a_ledger_or_a_screen_cannot_hold(bad):
    event = missed(caller_name=f"Da{bad}na", extra={f"k{bad}": [bad]})
    assert event.call["caller_name"] == "Da\ufffdna"
    assert bad not in json.dumps(dict(event.raw), ensure_ascii=False)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
ANYTHING = st.recursive(
    SCALARS, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(), x, max_size=3), max_leaves=6
)


@given(st.dictionaries(st.sampled_from(SPELLINGS) | st.text(st.characters(), max_size=8), ANYTHING, max_size=8))
def test_whatever_comes_is_an_event_a_test_or_refused(fields):
    event, status = None, 400
    try:
        event = read_event({"call_id": "c1", "event": "call.missed"} | fields, "callscaler", NOW).event
    except BadBody as error:
        status = error.status
    assert status in (400, 422)
    if event is not None:
        sqlite3.connect(":memory:").execute(
            "select ?, ?", (json.dumps(event.call, ensure_ascii=False), event.caller_raw)
        )
        assert all(value is not None for value in event.call.values())


@given(
    st.dictionaries(
        st.sampled_from(["ai_score", "summary", "caller_name", "extra", "robo_score"]), st.none() | st.integers(0, 9)
    ),
    st.dictionaries(
        st.sampled_from(["ai_score", "summary", "caller_name", "extra", "robo_risk_score"]),
        st.none() | st.integers(0, 9),
    ),
)
def test_a_merge_only_fills_what_was_missing(first, second):
    known, again = missed(**first), missed(**second)
    merged = merge(known, again)
    told = {name for name, value in first.items() if value is not None}
    if "robo_score" in told:
        told.add("robo_risk_score")
    new = {name for name, value in second.items() if value is not None} - told
    assert (merged is not None) == bool(new)
    if merged is not None:
        assert merged.type == "call.enriched"
        assert merged.of_type == "call.missed"
        assert merged.call["outcome"] == "missed"
        assert {name: merged.raw[name] for name in told if name in known.raw} == {
            name: known.raw[name] for name in told if name in known.raw
        }
        assert {name: merged.raw[name] for name in new} == {name: again.raw[name] for name in new}


def test_ids_of_later_events_sort_behind():
    assert (
        read_event({"event": "call.missed", "call_id": "a"}, "s", NOW).event.id
        < read_event({"event": "call.missed", "call_id": "a"}, "s", NOW + 0.001).event.id
    )


@pytest.mark.parametrize(("name", "spellings"), [(name, those) for name, those in ALIASES.items() if len(those) > 1])
def test_of_several_spellings_the_most_current_one_that_says_something_counts(name, spellings):
    said = {spelling: nth for nth, spelling in enumerate(spellings, 1)}
    assert _meant(said)[name] == 1
    assert _meant(dict(reversed(said.items())))[name] == 1
    assert _meant({**said, spellings[0]: None})[name] == 2
