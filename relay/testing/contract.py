"""What every connector must do, whatever it speaks to; its test inherits this and says how to build it.

```python
class TestMine(ConnectorContract):
    connector_class = Mine
    def stand_in(self): return MyStandIn()
    def options(self, service): return {"url": service.url}
    def action(self, number): return {"message": f"call {number}"}
    def effects(self, service): return [message["text"] for message in service.messages]
```

Needs pytest and pytest-asyncio (`asyncio_mode = auto`), and nothing else of the relay's own tests.
"""

from __future__ import annotations

import ipaddress
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from relay.connector import Connector, Job, Receipt
from relay.errors import DeliveryFailed, RateLimited, Rejected, Unavailable, Unclear
from relay.http import Http, Network

if TYPE_CHECKING:
    from relay.standins import StandIn

LOOPBACK = Network(allow=(ipaddress.ip_network("127.0.0.1/32"),), allow_http=True)
EVENT = {
    "id": "e1",
    "event": "call.missed",
    "type": "call.missed",
    "call_id": "c1",
    "caller": {"number": "+13125550101", "name": None},
    "call": {"id": "c1", "outcome": "missed"},
}
AGAIN = (Unavailable, Unclear)
TRIES_MOST = 40


class HastyHttp(Http):
    """The real thing; with a request that is to hang it has little patience: that costs a test no 15 seconds."""

    def __init__(self, network: Network, service: StandIn) -> None:
        super().__init__(network)
        self._service = service

    async def request(self, method: str, url: str, **others: Any) -> Any:
        patience = 0.2 if self._service.may_hang else 300.0
        return await super().request(method, url, **{**others, "timeout": patience})


class ConnectorContract:
    connector_class: type[Connector[Any, Any]]
    repeats_safely = True
    """False for a service that cannot tell a second copy: then a lost answer may leave one more."""
    needs_readable_answer = True
    """False for a receiver whose every 2xx is a success."""
    hears_retry_after = True
    """False where a library in between does not tell how long a service asks us to wait."""
    secrets: tuple[str, ...] = ()
    """Texts that may show up nowhere."""

    def stand_in(self) -> StandIn:
        raise NotImplementedError

    def options(self, service: StandIn) -> dict[str, Any]:
        raise NotImplementedError

    def action(self, number: int) -> dict[str, Any]:
        raise NotImplementedError

    def effects(self, service: StandIn) -> list[Any]:
        """One entry for each thing that came to be over there."""
        raise NotImplementedError

    @pytest.fixture
    async def service(self):
        service = self.stand_in()
        await service.start()
        yield service
        await service.stop()

    @pytest.fixture
    async def http(self, service):
        http = HastyHttp(LOOPBACK, service)
        yield http
        await http.close()

    @pytest.fixture
    def connector(self, service, http):
        return self.build(service, http)

    def build(self, service: StandIn, http: Http) -> Connector[Any, Any]:
        kind = self.connector_class
        return kind(kind.Options.model_validate(self.options(service)), http)

    def job(self, number: int = 1, *, tries: int = 0, notes: dict[str, Any] | None = None) -> Job[Any]:
        action = self.connector_class.Action.model_validate(self.action(number))
        kept = {} if notes is None else notes
        return Job(f"job-{number}", action, EVENT, tries=tries, notes=kept, now=time.time())

    async def persist(self, connector: Connector[Any, Any], number, before_try=lambda _: None) -> Receipt:
        """Try a job as the core does, until it is delivered."""
        notes: dict[str, Any] = {}
        for tries in range(TRIES_MOST):
            before_try(tries)
            try:
                return await connector.send(self.job(number, tries=tries, notes=notes))
            except AGAIN:
                notes = json.loads(json.dumps(notes))
        raise AssertionError("never delivered")

    async def test_a_delivery_arrives(self, connector, service):
        receipt = await connector.send(self.job())
        assert isinstance(receipt, Receipt)
        assert len(self.effects(service)) == 1

    async def test_a_batch_answers_one_result_a_job_in_order(self, connector, service):
        results = await connector.send_batch([self.job(1), self.job(2), self.job(3)])
        assert [type(result) for result in results] == [Receipt, Receipt, Receipt]
        assert len(self.effects(service)) == 3

    async def test_a_service_in_trouble_is_tried_again(self, connector, service):
        service.fail_next(9, 503)
        with pytest.raises(AGAIN):
            await connector.send(self.job())
        service.no_more_faults()
        assert self.effects(service) == []

    async def test_a_service_that_asks_for_time_gets_it(self, connector, service):
        service.fail_next(9, 429, {"Retry-After": "7"})
        if not self.hears_retry_after:
            with pytest.raises(Unavailable):
                await connector.send(self.job())
            return
        with pytest.raises(RateLimited) as caught:
            await connector.send(self.job())
        assert caught.value.retry_after == 7

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
    async def test_a_refusal_ends_the_delivery(self, connector, service, status):
        service.fail_next(9, status)
        with pytest.raises(Rejected) as caught:
            await connector.send(self.job())
        assert (caught.value.grace == 1) == (status == 410) or caught.value.grace > 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_redirects_are_never_followed(self, connector, service, status):
        service.fail_next(1, status, {"Location": f"{service.url}/elsewhere"})
        with pytest.raises(Rejected):
            await connector.send(self.job())
        assert not [request for request in service.requests if request.path == "/elsewhere"]

    async def test_a_service_that_hangs_is_given_up_in_time(self, connector, service):
        service.hang_next(9)
        with pytest.raises(AGAIN):
            await connector.send(self.job())

    async def test_a_service_that_is_not_there_is_tried_again(self, connector, service):
        await service.stop()
        with pytest.raises(Unavailable):
            await connector.send(self.job())

    async def test_a_web_page_is_no_success(self, connector, service):
        if not self.needs_readable_answer:
            pytest.skip("any 2xx is this receiver's yes")
        service.html_next(9)
        with pytest.raises(AGAIN):
            await connector.send(self.job())

    async def test_a_connection_cut_before_anything_happened_loses_nothing(self, connector, service):
        service.reset_next()
        await self.persist(connector, 1)
        assert len(self.effects(service)) == 1

    @pytest.mark.parametrize("fault", ["reset_next", "hang_next", "fail_next", "html_next"])
    @pytest.mark.parametrize("place", range(6))
    async def test_a_lost_answer_doubles_nothing(self, connector, service, fault, place):
        """The answer to the first, second, … request is lost after the service did what it was asked."""

        def lose(tries):
            if tries == 0:
                skip_then(service, place, fault)

        await self.persist(connector, 1, lose)
        assert len(self.effects(service)) <= (1 if self.repeats_safely else 2)
        assert self.effects(service)

    async def test_a_service_that_fails_a_third_of_the_time_gets_everything_once(self, connector, service):
        for number in range(12):

            def break_something(tries, number=number):
                service.no_more_faults()
                kinds = ("fail_next", "reset_next", "hang_next", "html_next")
                if tries < 3:
                    acted = bool((tries + number) % 2)
                    skip_then(service, (tries + number) % 5, kinds[(tries + number) % 4], acted=acted)

            await self.persist(connector, number, break_something)
        service.no_more_faults()
        effects = self.effects(service)
        assert len(set(effects)) == 12
        if self.repeats_safely:
            assert len(effects) == 12

    async def test_an_address_that_may_not_be_reached_is_refused(self, service):
        guarded = Http(Network(allow_http=True))
        try:
            with pytest.raises(Rejected, match="not a public address"):
                await self.build(service, guarded).send(self.job())
        finally:
            await guarded.close()
        assert service.requests == []

    async def test_no_error_tells_a_secret(self, connector, service):
        told = [repr(connector.options), str(connector.options)]
        for plan in (
            lambda: service.fail_next(9, 500),
            lambda: service.fail_next(9, 401),
            lambda: service.hang_next(9),
        ):
            plan()
            with pytest.raises(DeliveryFailed) as caught:
                await connector.send(self.job())
            service.no_more_faults()
            told.append(f"{caught.value!s} {caught.value!r}")
        await service.stop()
        with pytest.raises(DeliveryFailed) as caught:
            await connector.send(self.job())
        told.append(repr(caught.value))
        assert self.secrets
        assert [secret for secret in self.secrets if any(secret in text for text in told)] == []

    async def test_the_check_passes_and_changes_nothing(self, connector, service):
        await connector.check()
        assert self.effects(service) == []

    async def test_the_check_tells_when_nobody_is_there(self, connector, service):
        await service.stop()
        with pytest.raises(DeliveryFailed):
            await connector.check()

    async def test_every_try_sends_the_same_bytes(self, connector, service):
        seen = []
        for _ in range(2):
            start = len(service.requests)
            service.fail_next(9, 500)
            with pytest.raises(AGAIN):
                await connector.send(self.job())
            service.no_more_faults()
            seen.append([r.body for r in service.requests[start:] if b"assertion=" not in r.body])
        assert seen[0] == seen[1]

    def test_its_forms_can_be_described(self):
        for form in (self.connector_class.Options, self.connector_class.Action):
            assert form.model_json_schema()["type"] == "object"


def skip_then(service: StandIn, place: int, fault: str, *, acted: bool = True) -> None:
    """Lets `place` requests through, then strikes one."""
    service.let_next(place)
    getattr(service, fault)(1, acted=acted)
