from __future__ import annotations

import asyncio
import logging
import re

import pytest
from pydantic import ValidationError

from connectors import notify
from connectors.notify import Notify, NotifyAction, NotifyOptions
from relay.connector import Job
from relay.errors import Invalid, Unavailable, Unclear
from relay.http import Http
from relay.standins import SinkStandIn
from relay.testing import EVENT, LOOPBACK, ConnectorContract
from tests.patience import PATIENCE

SECRET = "not-a-real-notify-secret"


class Hasty(Notify):
    """The real thing; with a request that is to hang it has little patience."""

    def __init__(self, service, options, http):
        super().__init__(options, http)
        self._service = service

    async def send(self, job):
        patience = 0.2 if self._service.may_hang else PATIENCE
        url = re.sub(r"to=[0-9.]+", f"to={patience}", self.options.url.get_secret_value())
        self.options = NotifyOptions(url=url)
        return await super().send(job)


class TestNotify(ConnectorContract):
    connector_class = Notify
    repeats_safely = False
    needs_readable_answer = False
    hears_retry_after = False
    secrets = (SECRET,)

    def stand_in(self):
        return SinkStandIn()

    def options(self, service):
        return {"url": f"{service.url.replace('http', 'json')}/{SECRET}?cto={PATIENCE}&rto={PATIENCE}"}

    def build(self, service, http):
        return Hasty(service, NotifyOptions.model_validate(self.options(service)), http)

    def action(self, number):
        return {"message": f"call {number}", "title": "Missed"}

    def effects(self, service):
        return service.bodies

    @pytest.mark.usefixtures("quiet")
    async def test_a_refusal_is_known_where_only_errors_are_logged(self, connector, service):
        logging.getLogger().setLevel(logging.ERROR)
        service.fail_next(1, 404)
        with pytest.raises(Invalid):
            await connector.send(self.job())

    async def test_title_message_and_kind_arrive(self, connector, service):
        action = NotifyAction(message="m" * 5000, title="Missed", kind="warning")
        await connector.send(Job("k1", action, EVENT))
        sent = service.requests[0].json
        assert (sent["title"], sent["type"], len(sent["message"])) == ("Missed", "warning", 4000)

    async def test_a_refusal_is_told_in_the_librarys_words(self, connector, service):
        service.status = 401
        with pytest.raises(Invalid, match="401"):
            await connector.send(self.job())
        service.status = 500
        with pytest.raises(Unavailable, match="500"):
            await connector.send(self.job())

    async def test_a_service_that_trickles_past_the_deadline_may_have_rung(self, service, http, monkeypatch):
        monkeypatch.setattr(notify, "DEADLINE", 0.2)
        url = f"{service.url.replace('http', 'json')}/x?cto=2&rto=2"
        service.hang_next(1)
        ringing = Notify(NotifyOptions(url=url), http)
        with pytest.raises(Unclear):
            await ringing.send(self.job())
        await service.stop()
        await asyncio.to_thread(ringing._threads.shutdown)

    async def test_what_is_not_encrypted_is_refused_unless_allowed(self, service):
        guarded = Http(type(LOOPBACK)(allow=LOOPBACK.allow))
        ringing = Notify(NotifyOptions(url=self.options(service)["url"]), guarded)
        with pytest.raises(Exception, match="allow_http"):
            await ringing.send(self.job())
        await guarded.close()


@pytest.mark.parametrize("url", ["bogus://token", "tgram://", "", "dbus://", "syslog://", "not an address"])
def test_an_address_that_rings_nobody_is_refused_and_not_shown(url):
    with pytest.raises(ValidationError) as caught:
        NotifyOptions(url=url)
    assert "list of notification services" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["tgram://123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/12345", "discord://4174216298/not-a-real-token-000"]
)
async def test_a_service_with_a_host_of_its_own_is_not_looked_up(url, http):
    await Notify(NotifyOptions(url=url), http).check()


def test_it_rings_a_bell():
    assert Notify.alerts_people
