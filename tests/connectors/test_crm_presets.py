"""Each shipped preset against its CRM as documented: the whole contract, and what is its own."""

from pathlib import Path

import pytest

from connectors.crm import Crm, CrmAction
from relay.connector import Job
from relay.errors import Unavailable, Unclear
from relay.settings.presets import preset_files, read_preset
from relay.testing import EVENT, ConnectorContract
from tests.connectors.crms import TOKEN, HighLevel, HubSpot, Pipedrive
from tests.connectors.test_crm import number

INPUTS = {"token": TOKEN, "company": "acme", "location": "false-location"}
PRESETS = preset_files(Path("no such folder"))


class PresetContract(ConnectorContract):
    """Common to all three: one contact and one call record for a call, whatever answers are lost."""

    connector_class = Crm
    secrets = (TOKEN,)
    preset = ""

    def options(self, service):
        preset = read_preset(PRESETS[self.preset])
        given = {name: INPUTS[name] for name in preset.form.inputs}
        options = preset.options({**given, "base_url": service.url})
        del options["rate"]  # the core's, not the connector's
        return options

    def action(self, n):
        return {
            "match": number(n),
            "fields": {"first_name": f"Caller {n}", "city": ""},
            "log": {"title": "Missed call", "started_at": "2026-03-02T16:00:00Z"},
        }

    def effects(self, service):
        assert len(service.calls) <= len(service.contacts)
        return [self.phone(contact) for contact in service.contacts]

    def phone(self, contact):
        raise NotImplementedError

    async def test_a_second_call_of_a_person_updates_the_contact_and_logs_once_more(self, connector, service):
        first = await connector.send(self.job(1))
        event = {**EVENT, "call_id": "c2", "call": {"id": "c2", "started_at": "2026-03-03T16:00:00Z"}}
        action = CrmAction(match=number(1), fields={"last_name": "Doe"}, log={"title": "Answered call"})
        second = await connector.send(Job("other", action, event))
        assert (first.id, first.created) == (second.id, True)
        assert (second.created, len(service.contacts), len(service.calls)) == (False, 1, 2)

    async def test_a_call_whose_record_was_written_unseen_is_not_recorded_again(self, connector, service):
        notes = {}
        service.reset_next(1, where=self.log_path, acted=True)
        await self.persist_with(connector, notes)
        assert len(service.calls) == 1

    async def test_a_call_whose_record_was_not_written_is_recorded(self, connector, service):
        service.reset_next(1, where=self.log_path)
        await self.persist_with(connector, {})
        assert len(service.calls) == 1

    async def persist_with(self, connector, notes):

        for tries in range(4):
            try:
                return await connector.send(self.job(1, tries=tries, notes=notes))
            except (Unavailable, Unclear):
                continue
        raise AssertionError("never delivered")


class TestHubSpot(PresetContract):
    preset, log_path = "hubspot", "POST /crm/v3/objects/calls"

    def stand_in(self):
        return HubSpot()

    def phone(self, contact):
        return contact["properties"]["phone"]

    async def test_a_number_typed_by_hand_is_found_and_what_it_has_is_left_alone(self, connector, service):
        kept = {"phone": "(312) 555-0101", "firstname": "Jane", "city": "Chicago"}
        service.contacts.append({"id": "77", "properties": dict(kept)})
        fields = {"firstname": "Network Name", "city": "Naperville", "state": "IL"}
        action = CrmAction(match=number(1), fields=fields, only_if_empty=["firstname", "city"])
        receipt = await connector.send(Job("k", action, EVENT))
        assert receipt.id == "77"
        assert service.contacts == [{"id": "77", "properties": {**kept, "state": "IL"}}]

    async def test_contacts_that_share_a_number_are_told_and_one_is_used(self, connector, service):
        for name in ("77", "78", "79"):
            service.contacts.append({"id": name, "properties": {"phone": number(1)}})
        receipt = await connector.send(self.job(1))
        assert (receipt.id, receipt.body) == ("77", {"others": ["78", "79"]})
        assert [call["contact"] for call in service.calls] == ["77"]

    async def test_a_call_is_recorded_as_hubspot_wants_it(self, connector, service):
        log = {"title": "Missed call", "duration": 42, "direction": "inbound", "from": number(1), "note": "No answer"}
        await connector.send(Job("k", CrmAction(match=number(1), fields={"name": "Jane"}, log=log), EVENT_AT))
        assert service.calls[0]["properties"] == {
            "hs_timestamp": "2026-03-02T16:00:00Z",
            "hs_call_title": "Missed call",
            "hs_call_body": "No answer [call c1]",
            "hs_call_duration": "42000",
            "hs_call_direction": "INBOUND",
            "hs_call_from_number": number(1),
            "hs_call_status": "COMPLETED",
        }
        assert service.contacts[0]["properties"] == {"phone": number(1), "firstname": "Jane"}


class TestPipedrive(PresetContract):
    preset, log_path = "pipedrive", "POST /api/v2/activities"

    def stand_in(self):
        return Pipedrive()

    def phone(self, contact):
        return contact["phones"][0]["value"]

    def action(self, n):
        return {**super().action(n), "fields": {"name": f"Caller {n}"}}

    async def test_a_second_call_of_a_person_updates_the_contact_and_logs_once_more(self, connector, service):
        await connector.send(self.job(1))
        action = CrmAction(match=number(1), fields={"city": "Chicago"}, log={"title": "Answered call"})
        receipt = await connector.send(Job("other", action, {**EVENT_AT, "call_id": "c2", "call": {"id": "c2"}}))
        assert (receipt.id, receipt.url) == ("11", "https://acme.pipedrive.com/person/11")
        assert (len(service.contacts), len(service.calls), service.contacts[0]["city"]) == (1, 2, "Chicago")

    async def test_a_number_typed_by_hand_is_found_and_what_it_has_is_left_alone(self, connector, service):
        kept = {"name": "Jane", "phones": [{"value": "(312) 555-0101"}], "city": "Chicago"}
        service.contacts.append({"id": 5, **kept})
        fields = {"name": "Network Name", "city": "Naperville"}
        await connector.send(Job("k", CrmAction(match=number(1), fields=fields, only_if_empty=["city"]), EVENT))
        assert service.contacts == [{"id": 5, **kept, "name": "Network Name"}]

    async def test_marks_in_a_note_are_text_there(self, connector, service):
        log = {"note": "<b>5 & 6</b>"}
        await connector.send(Job("k", CrmAction(match=number(1), fields={"name": "J"}, log=log), EVENT))
        assert service.calls[0]["note"] == "&lt;b&gt;5 &amp; 6&lt;/b&gt; [call c1]"


class TestGoHighLevel(PresetContract):
    preset, log_path = "gohighlevel", "/notes"

    def stand_in(self):
        return HighLevel()

    def phone(self, contact):
        return contact["phone"]

    async def test_a_note_says_what_and_when(self, connector, service):
        log = {"title": "Missed call", "note": "No answer"}
        await connector.send(Job("k", CrmAction(match=number(1), fields={"region": "IL"}, log=log), EVENT_AT))
        assert service.calls[0]["body"] == "Missed call, 2026-03-02T16:00:00Z. No answer [call c1]"
        assert service.contacts[0]["state"] == "IL"
        assert service.contacts[0]["locationId"] == "false-location"


EVENT_AT = {**EVENT, "call": {"id": "c1", "started_at": "2026-03-02T16:00:00Z"}}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_says_where_its_facts_come_from(name):
    form = read_preset(PRESETS[name]).form
    assert form.sources
    assert all(source.startswith("https://") for source in form.sources)
