"""The suite for connectors is worth its name: it fails for one that breaks the contract."""

import pytest

from relay.connector import Connector, Form, Receipt
from relay.errors import Rejected
from relay.testing import LOOPBACK, ConnectorContract, SinkStandIn
from relay.testing.contract import HastyHttp


class Options(Form):
    url: str


class Action(Form):
    say: str


class Careless(Connector[Options, Action]):
    """Believes any answer, and gives up on every fault."""

    Options = Options
    Action = Action

    async def send(self, job):
        try:
            answer = await self.http.request("POST", self.options.url, json={"say": job.action.say})
        except Exception as error:
            raise Rejected(f"it failed at {self.options.url}") from error
        return Receipt(status=answer.status)

    async def check(self):
        await self.http.request("POST", self.options.url, json={"say": "are you there?"})


class Carelessly(ConnectorContract):
    connector_class = Careless
    secrets = ("false-secret",)

    def stand_in(self):
        return SinkStandIn()

    def options(self, service):
        return {"url": f"{service.url}/false-secret"}

    def action(self, number):
        return {"say": f"call {number}"}

    def effects(self, service):
        return service.bodies


@pytest.fixture
async def suite(sink):
    """The suite as a test would hold it, with its connector and its service."""
    it, http = Carelessly(), HastyHttp(LOOPBACK, sink)
    yield it, it.build(sink, http), sink
    await http.close()


async def test_a_sound_part_of_a_connector_passes(suite):
    it, connector, service = suite
    await it.test_a_delivery_arrives(connector, service)


@pytest.mark.parametrize(
    "broken",
    [
        "test_a_service_in_trouble_is_tried_again",
        "test_a_service_that_is_not_there_is_tried_again",
        "test_a_web_page_is_no_success",
        "test_no_error_tells_a_secret",
        "test_the_check_passes_and_changes_nothing",
    ],
)
async def test_a_promise_that_is_broken_fails(suite, broken):
    it, connector, service = suite
    with pytest.raises((AssertionError, Rejected, pytest.fail.Exception)):
        await getattr(it, broken)(connector, service)
