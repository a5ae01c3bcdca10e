import pydantic
import pytest

import relay.callscaler
from relay.callscaler import Call, Number
from relay.callscaler.thing import Thing


def test_every_model_is_frozen_keeps_unknown_fields_and_demands_nothing_but_an_id():
    models = [getattr(relay.callscaler, name) for name in relay.callscaler.__all__]
    models = [model for model in models if isinstance(model, type) and issubclass(model, Thing)]
    assert len(models) == 17
    for model in models:
        required = [name for name, field in model.model_fields.items() if field.is_required()]
        assert required in ([], ["id"], ["phone_number"]), model
        made = model.model_validate({"id": "x", "phone_number": "+15735550142", "brand_new": [1]})
        assert made.model_extra["brand_new"] == [1]
        with pytest.raises(pydantic.ValidationError):
            made.brand_new = 2


@pytest.mark.parametrize("odd", [[], {"a": 1}, "a while", None])
def test_a_field_of_a_type_nobody_foresaw_counts_as_not_told(odd):
    call = Call.model_validate({"id": 17, "duration_seconds": odd, "keywords_spotted": 5, "status": "ringing"})
    assert (call.id, call.duration_seconds, call.keywords_spotted, call.status) == ("17", None, None, "ringing")


@pytest.mark.parametrize("body", [None, [], "c1", {}, {"id": None}, {"id": []}])
def test_what_has_no_id_is_no_call_and_its_content_is_not_in_the_message(body):
    with pytest.raises(pydantic.ValidationError):
        Call.model_validate(body)


def test_names_of_older_generations_are_understood():
    call = Call.model_validate({"call_id": "c1", "robo_risk_score": 5})
    assert (call.id, call.robo_score) == ("c1", 5)
    assert Number.model_validate({"id": "n1", "name": "Ads"}).label == "Ads"
    assert Number.model_validate({"id": "n1", "name": "x", "friendly_name": "Ads"}).label == "Ads"


def test_plain_gives_back_what_was_told_and_nothing_else():
    told = {"id": "c1", "status": "completed", "duration_seconds": 145, "tags": ["a"], "gclid": None}
    assert Call.model_validate(told).plain() == told


async def test_the_balance_is_read_wherever_it_stands(client, service):
    for body in (
        {"data": {"balance_cents": 4200}},
        {"data": {"balance": 4200}},
        {"data": 4200},
        {"balance": {"balance_cents": 4200}},
    ):
        service.says(body)
        assert (await client.billing.balance()).balance_cents == 4200


async def test_a_key_just_made_is_never_printed_by_accident(make_client, service):
    service.says({"data": {"id": "k1", "name": "CRM", "key": "cs_key_false0false0", "prefix": "cs_key_false0fa"}})
    made = await make_client(everything=True).api_keys.create("CRM")
    assert made.key.get_secret_value() == "cs_key_false0false0"
    assert "false0false0" not in f"{made!r} {made} {made.model_dump_json()}"


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"source": "google", "count": 3}], "totals": {"count": 3}, "count": 1},
        {"data": {"data": [{"source": "google", "count": 3}], "totals": {"count": 3}, "count": 1}},
        {"data": {"rows": [{"source": "google", "count": 3}], "totals": {"count": 3}, "count": 1}},
    ],
)
async def test_a_report_is_read_with_and_without_the_envelope(client, service, body):
    service.says(body)
    report = await client.analytics.calls(["source", "date"], metrics="count,avg_duration", qualified=False)
    assert (report.rows, report.totals, report.count) == (({"source": "google", "count": 3},), {"count": 3}, 1)
    assert service.asked[0].query == {"group_by": "source,date", "metrics": "count,avg_duration", "qualified": "false"}


@pytest.mark.parametrize("stats", [{"g1": {"total_calls": 3}}, [{"group_id": "g1", "total_calls": 3}]])
async def test_group_figures_are_keyed_by_group(client, service, stats):
    service.says({"data": {"stats": stats}})
    assert (await client.number_groups.bulk_stats())["g1"].model_extra["total_calls"] == 3


async def test_a_change_that_is_answered_with_nothing_still_names_what_was_changed(client, service):
    for body in (b"", {"data": {"success": True}}, {"data": {"number": {"friendly_name": "Ads"}}}, (204, b"")):
        service.says(body)
        assert (await client.numbers.update("n1", friendly_name="Ads")).id == "n1"
    assert service.asked[0].body == {"friendly_name": "Ads"}


async def test_a_transcription_is_text_or_none(client, service):
    for body in ({"data": {"transcription": "hi"}}, {"data": "hi"}, {"transcription": "hi"}):
        service.says(body)
        assert await client.calls.transcription("c1") == "hi"
    service.says({"data": {"transcription": None}})
    assert await client.calls.transcription("c1") is None
