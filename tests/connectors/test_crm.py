from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError

from connectors.crm import Crm, CrmAction, CrmOptions
from relay.connector import Job
from relay.errors import Invalid, Rejected, Unavailable, Unclear
from relay.standins import CrmStandIn, SinkStandIn
from relay.standins.crm import TOKEN
from relay.testing import EVENT, ConnectorContract

REQUESTS = {
    "find": {"method": "GET", "path": "/contacts?phone={{ match | urlencode }}", "id": "items.0.id"},
    "create": {"method": "POST", "path": "/contacts", "id": "id"},
    "update": {"method": "PATCH", "path": "/contacts/{{ found.id }}"},
    "log": {"method": "POST", "path": "/contacts/{{ found.id }}/calls"},
}


def number(n):
    return f"+131255501{n:02d}"


class CrmContract(ConnectorContract):
    connector_class = Crm
    secrets = (TOKEN,)

    def options(self, service):
        return {"base_url": service.base_url, "auth": {"bearer": TOKEN}, **REQUESTS}

    def action(self, n):
        return {"match": number(n), "fields": {"phone": number(n), "name": f"Caller {n}"}, "log": {"outcome": "missed"}}

    def effects(self, service):
        assert len(service.calls) <= len(service.contacts)
        assert len({contact["phone"] for contact in service.contacts}) == len(service.contacts)
        return [contact["phone"] for contact in service.contacts]


class TestCrm(CrmContract):
    def stand_in(self):
        return CrmStandIn()

    async def test_every_call_is_logged_once_over_lost_answers(self, connector, service):
        for place in range(5):
            service.calls.clear()

            def lose(tries, place=place):
                if tries == 0:
                    service.let_next(place)
                    service.reset_next(acted=True)

            await self.persist(connector, place, lose)
            service.no_more_faults()
            assert len(service.calls) == 1

    async def test_a_new_person_is_created_and_the_call_logged(self, connector, service):
        receipt = await connector.send(self.job(1))
        assert service.contacts == [
            {"phone": number(1), "name": "Caller 1", "id": "c1", "url": f"{service.base_url}/contacts/c1"}
        ]
        assert service.calls == [{"outcome": "missed", "id": "l1", "contact": "c1"}]
        assert (receipt.id, receipt.created, receipt.url) == ("c1", True, f"{service.base_url}/contacts/c1")

    async def test_a_known_person_is_found_by_a_number_with_a_plus_and_updated(self, connector, service):
        await connector.send(self.job(1))
        action = CrmAction(match=number(1), fields={"city": "Chicago", "name": ""})
        receipt = await connector.send(Job("other", action, EVENT))
        assert (receipt.id, receipt.created) == ("c1", False)
        assert service.contacts[0] | {"url": ""} == {
            "phone": number(1),
            "name": "Caller 1",
            "city": "Chicago",
            "id": "c1",
            "url": "",
        }
        assert len(service.calls) == 1

    async def test_what_is_there_is_left_alone_where_the_owner_says_so(self, connector, service):
        await connector.send(self.job(1))
        fields = {"name": "Somebody else", "city": "Chicago"}
        action = CrmAction(match=number(1), fields=fields, only_if_empty=["name", "city"])
        await connector.send(Job("other", action, EVENT))
        assert service.contacts[0]["name"] == "Caller 1"
        assert service.contacts[0]["city"] == "Chicago"

    async def test_without_fields_nobody_is_created_and_nothing_updated(self, connector, service):
        receipt = await connector.send(Job("k", CrmAction(match=number(7), log={"a": 1}), EVENT))
        assert receipt.id is None
        assert (service.contacts, service.calls) == ([], [])

    async def test_writes_carry_one_key_each(self, connector, service):
        await connector.send(self.job(1))
        keys = [request.headers.get("Idempotency-Key") for request in service.requests]
        assert keys == [None, "job-1-create", "job-1-log"]

    async def test_what_is_known_to_have_happened_is_not_repeated(self, connector, service):
        notes = {}
        service.let_next(2)
        service.fail_next(1, 500)
        with pytest.raises(Unavailable):
            await connector.send(self.job(1, notes=notes))
        assert notes == {
            "contact": "c1",
            "created": True,
            "written": True,
            "url": f"{service.base_url}/contacts/c1",
        }
        service.requests.clear()
        receipt = await connector.send(self.job(1, notes=notes, tries=1))
        assert [request.path for request in service.requests] == ["/api/contacts/c1/calls"]
        assert (receipt.created, receipt.id) == (True, "c1")

        await connector.send(self.job(1, notes=notes, tries=2))
        assert (len(service.requests), len(service.calls)) == (1, 1)

    async def test_a_contact_that_the_search_does_not_show_yet_is_waited_for(self, connector, service):
        with pytest.raises(Unavailable, match="does not show it yet"):
            await connector.send(self.job(1, notes={"created": True}))
        assert service.contacts == []

    async def test_calls_of_one_person_go_in_order(self, connector):
        assert connector.lane(self.job(1).action) == number(1)

    async def test_a_wrong_token_is_told_without_showing_it(self, service, http):
        options = {**self.options(service), "auth": {"bearer": "not-a-real-wrong-token"}}
        with pytest.raises(Rejected) as caught:
            await Crm(CrmOptions.model_validate(options), http).check()
        assert "not-a-real-wrong-token" not in str(caught.value)

    async def test_a_step_that_logs_needs_a_log_request(self, service, http):
        options = CrmOptions.model_validate({**self.options(service), "log": None})
        with pytest.raises(Rejected, match="no log request"):
            await Crm(options, http).send(self.job(1))


class TestCrmWithoutIdempotencyKeys(CrmContract):
    def stand_in(self):
        return CrmStandIn(keys_honoured=False)

    def action(self, n):
        return {"match": number(n), "fields": {"phone": number(n)}}


@pytest.fixture
async def sink():
    sink = SinkStandIn()
    await sink.start()
    yield sink
    await sink.stop()


def crm(sink, http, **others):
    written = {"base_url": sink.url, "auth": {"bearer": TOKEN}, **REQUESTS, **others}
    return Crm(CrmOptions.model_validate(written), http)


def anybody(**others):
    return Job("k", CrmAction(match=number(1), fields={"phone": number(1)}), EVENT, **others)


@pytest.mark.parametrize(
    ("auth", "header", "query"),
    [
        ({"bearer": "false-1"}, ("Authorization", "Bearer false-1"), {}),
        ({"basic": "me:false-2"}, ("Authorization", "Basic " + base64.b64encode(b"me:false-2").decode()), {}),
        ({"header": {"X-Api-Key": "false-3"}}, ("X-Api-Key", "false-3"), {}),
        ({"query": {"api_key": "false&4"}}, ("Accept", "application/json"), {"api_key": "false&4"}),
    ],
)
async def test_each_way_to_prove_who_we_are(sink, http, auth, header, query):
    sink.answer = {"items": []}
    await crm(sink, http, auth=auth).check()
    (request,) = sink.requests
    assert request.headers[header[0]] == header[1]
    assert request.query == {"phone": "+12025550100", **query}


async def test_an_answer_without_the_list_is_a_mistake_and_not_nobody(sink, http):
    sink.answer = {"contacts": []}
    with pytest.raises(Invalid, match="no list at items"):
        await crm(sink, http).send(anybody())


@pytest.mark.parametrize("answer", [{"items": []}, {"items": None}, {"items": [{}]}, {"items": [{"id": ""}]}])
async def test_nobody_is_found_in_an_empty_list(sink, http, answer):
    sink.answer = answer
    await crm(sink, http).check()


async def test_a_200_that_means_an_error_is_seen_where_the_owner_says_how(sink, http):
    sink.answer = {"success": False, "error": "quota", "items": []}
    await crm(sink, http).check()
    with pytest.raises(Invalid, match="quota"):
        await crm(sink, http, success_when="success").check()


async def test_an_answer_that_echoes_our_key_is_not_quoted(sink, http):
    sink.status, sink.answer = 422, {"echo": f"Bearer {TOKEN}"}
    with pytest.raises(Invalid) as caught:
        await crm(sink, http).check()
    assert TOKEN not in str(caught.value)


async def test_a_create_that_names_no_id_is_looked_up_and_never_repeated(sink, http):
    sink.answer = {"items": []}
    notes = {}
    job = anybody(notes=notes)
    with pytest.raises(Unavailable, match="created"):
        await crm(sink, http).send(job)
    with pytest.raises(Unavailable, match="created"):
        await crm(sink, http).send(job)
    assert [request.method for request in sink.requests] == ["GET", "POST", "GET", "GET"]


async def test_an_id_of_dots_leads_nowhere_else(sink, http):
    sink.answer = {"items": [{"id": ".."}]}
    with pytest.raises(Rejected):
        await crm(sink, http).send(anybody())
    assert [request.method for request in sink.requests] == ["GET"]


async def test_not_even_when_the_owner_escapes_it_by_hand(sink, http):
    sink.answer = {"items": [{"id": ".."}]}
    update = {"method": "PATCH", "path": "/contacts/{{ found.id | urlencode }}/x"}
    with pytest.raises(Rejected, match="lead elsewhere"):
        await crm(sink, http, update=update).send(anybody())


async def test_an_id_with_a_slash_stays_one_part_of_the_path(sink, http):
    sink.answer = {"items": [{"id": "a/b?c"}]}
    await crm(sink, http).send(anybody())
    assert sink.requests[1].path == "/contacts/a/b?c"
    assert sink.requests[1].query == {}


async def test_half_a_character_in_a_field_is_no_obstacle(sink, http):
    sink.answer = {"items": [{"id": 5}]}
    await crm(sink, http).send(Job("k", CrmAction(match="1", fields={"name": "a\ud800"}), EVENT))
    assert sink.requests[1].json == {"name": "a\ud800"}


async def test_a_search_whose_answer_is_lost_changed_nothing(sink, http):
    sink.html_next()
    with pytest.raises(Unavailable) as caught:
        await crm(sink, http).send(anybody())
    assert not isinstance(caught.value, Unclear)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"auth": {}}, "exactly one"),
        ({"auth": {"bearer": "x", "basic": "a:b"}}, "exactly one"),
        ({"auth": {"basic": "nocolon"}}, "user:password"),
        ({"auth": {"header": {"X-A": "a\r\nb"}}}, "line break"),
        ({"auth": {"bearer": "a\r\nX-Evil: 1"}}, "line break"),
        ({"auth": {"header": {"X A": "a"}}}, "no name for a header"),
        ({"find": None}, "find must be written down"),
        ({"base_url": ""}, "base_url must be written down"),
        ({"base_url": "ftp://x"}, "https://"),
        ({"base_url": "https://x/?a=1"}, "no query"),
        ({"find": {"path": "//evil.example/x"}}, "one /"),
        ({"find": {"path": "https://evil.example/"}}, "one /"),
        ({"find": {"path": "/x/{{ caller.name }}"}}, "caller.name"),
        ({"headers": {"X A": "a"}}, "no name for a header"),
        ({"headers": {"X-A": "a\r\nX-Evil: 1"}}, "line break"),
        ({"create": {"path": "/c", "body": {"a": "{{ caller.name }}"}}}, "caller.name is not known"),
        ({"create": {"path": "/c", "body": {"*": "{{ fields.name }}x"}}}, "one group of fields"),
        ({"match_as": ["roman"]}, "e164"),
    ],
)
def test_options_that_cannot_work_are_refused(wrong, said):
    written = {"base_url": "https://crm.example/api", "auth": {"bearer": "x"}, **REQUESTS, **wrong}
    with pytest.raises(ValidationError, match=said):
        CrmOptions.model_validate(written)


def test_an_action_must_name_somebody_and_know_its_own_fields():
    with pytest.raises(ValidationError):
        CrmAction(match=" ")
    with pytest.raises(ValidationError, match="only_if_empty"):
        CrmAction(match="1", only_if_empty=["name"])
