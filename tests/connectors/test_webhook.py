from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from pydantic import ValidationError

from connectors.webhook import Webhook, WebhookAction, WebhookOptions, signature
from relay.connector import Job
from relay.errors import Invalid, NotFound
from relay.standins import SinkStandIn
from relay.testing import EVENT, ConnectorContract

SECRET = "whsec_" + base64.b64encode(b"not-a-real-signing-secret-000000").decode()


class TestWebhook(ConnectorContract):
    connector_class = Webhook
    repeats_safely = False
    needs_readable_answer = False
    secrets = (SECRET, "not-a-real-header-value")

    def stand_in(self):
        return SinkStandIn()

    def options(self, service):
        headers = {"X-Token": "not-a-real-header-value"}
        return {"url": f"{service.url}/in", "signing_secret": SECRET, "headers": headers}

    def action(self, number):
        return {"body": {"number": number}}

    def effects(self, service):
        return service.bodies

    async def test_every_try_carries_the_same_key_so_that_a_receiver_can_tell(self, connector, service):
        service.hang_next(1, acted=True)
        service.reset_next(2, acted=True)
        await self.persist(connector, 1)
        assert len(service.bodies) == 4
        assert {request.headers["Idempotency-Key"] for request in service.requests} == {"job-1"}
        assert {request.headers["webhook-id"] for request in service.requests} == {"job-1"}

    async def test_the_check_asks_and_posts_nothing(self, connector, service):
        await connector.check()
        assert [request.method for request in service.requests] == ["OPTIONS"]

    async def test_without_a_body_the_event_itself_is_sent(self, service, http):
        connector = Webhook(WebhookOptions(url=f"{service.url}/calls"), http)
        await connector.send(Job("k1", WebhookAction(), EVENT))
        (request,) = service.requests
        assert (request.method, request.path) == ("POST", "/calls")
        assert request.json == EVENT
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Idempotency-Key"] == "k1"
        assert "webhook-signature" not in request.headers

    async def test_a_cloud_event_carries_the_body_as_its_data(self, service, http):
        connector = Webhook(WebhookOptions(url=service.url, envelope="cloudevents"), http)
        event = {**EVENT, "source": "callscaler", "received_at": "2026-03-02T16:00:00.000Z"}
        await connector.send(Job("k1", WebhookAction(), event))
        await connector.send(Job("k2", WebhookAction(body="said"), event))
        whole, text = service.requests
        sent, said = (from_http_event(HTTPMessage(dict(r.headers), r.body)) for r in (whole, text))
        assert (sent.get_id(), sent.get_type(), sent.get_source()) == ("k1", "call.missed", "/hooks/callscaler")
        assert (sent.get_time().isoformat(), sent.get_subject()) == ("2026-03-02T16:00:00+00:00", "c1")
        assert (sent.get_data(), said.get_data()) == (event, "said")
        assert whole.headers["Idempotency-Key"] == "k1"

    async def test_the_raw_envelope_sends_what_the_sender_wrote_and_a_step_may_still_say_its_own(self, service, http):
        connector = Webhook(WebhookOptions(url=service.url, envelope="raw"), http)
        await connector.send(Job("k1", WebhookAction(), EVENT, raw={"call_id": "c1", "odd": [1]}))
        await connector.send(Job("k2", WebhookAction(body={"a": 1}), EVENT, raw={"call_id": "c1"}))
        assert [request.json for request in service.requests] == [{"call_id": "c1", "odd": [1]}, {"a": 1}]

    async def test_text_goes_out_as_it_is_and_an_own_content_type_wins(self, service, http):
        connector = Webhook(WebhookOptions(url=service.url, headers={"content-type": "text/csv"}), http)
        await connector.send(Job("k1", WebhookAction(body="a,ü"), EVENT))
        (request,) = service.requests
        assert request.body == "a,ü".encode()
        assert request.headers.getall("Content-Type") == ["text/csv"]

    async def test_half_a_character_in_a_name_is_no_obstacle(self, connector, service):
        await connector.send(Job("k1", WebhookAction(body={"name": "a\ud800b"}), EVENT, now=1.0))
        assert service.requests[0].json == {"name": "a\ud800b"}

    async def test_a_number_that_json_does_not_know_is_refused(self, connector):
        with pytest.raises(Invalid, match="JSON"):
            await connector.send(Job("k1", WebhookAction(body={"n": float("nan")}), EVENT))

    async def test_the_signature_is_that_of_standard_webhooks_with_the_time_of_the_try(self, connector, service):
        for now in (1_772_467_200.9, 1_772_467_260.0):
            await connector.send(Job("job-1", WebhookAction(body={"a": 1}), EVENT, now=now))
        for request, at in zip(service.requests, (1_772_467_200, 1_772_467_260), strict=True):
            assert request.headers["webhook-id"] == "job-1"
            assert request.headers["webhook-timestamp"] == str(at)
            digest = hmac.new(
                b"not-a-real-signing-secret-000000", f"job-1.{at}.".encode() + request.body, hashlib.sha256
            )
            assert request.headers["webhook-signature"] == "v1," + base64.b64encode(digest.digest()).decode()

    async def test_the_answer_is_there_for_later_steps(self, service, http):
        service.answer, service.status = {"id": 7}, 201
        connector = Webhook(WebhookOptions(url=service.url), http)
        receipt = await connector.send(Job("k1", WebhookAction(), EVENT))
        assert (receipt.status, receipt.body) == (201, {"id": 7})

    @pytest.mark.parametrize("answer", [b"thanks", b"[" * 600 + b"]" * 600])
    async def test_an_answer_without_json_that_can_be_kept_is_a_success_too(self, service, http, answer):
        service.answer = answer
        receipt = await Webhook(WebhookOptions(url=service.url), http).send(Job("k1", WebhookAction(), EVENT))
        assert (receipt.status, receipt.body) == (200, None)

    async def test_a_refusal_quotes_the_receiver_but_never_our_secrets(self, connector, service):
        service.status, service.answer = 422, {"reason": "phone is missing"}
        with pytest.raises(Invalid, match="phone is missing"):
            await connector.send(self.job())
        service.answer = {"echo": "not-a-real-header-value"}
        with pytest.raises(Invalid) as caught:
            await connector.send(self.job())
        assert "echo" not in str(caught.value)

    async def test_gone_is_final_at_the_first_try(self, connector, service):
        service.status = 410
        with pytest.raises(NotFound) as caught:
            await connector.send(self.job())
        assert caught.value.grace == 1

    async def test_a_header_put_together_from_two_lines_is_refused(self):
        for headers in (
            {"X-A": "a\r\nX-Evil: 1"},
            {"X-A": "a\nb"},
            {"X\r\nA": "b"},
            {"": "x"},
            {"Host": "x"},
            {"webhook-id": "x"},
        ):
            with pytest.raises(ValidationError):
                WebhookAction(headers=headers)
            with pytest.raises(ValidationError):
                WebhookOptions(url="https://example.com/", headers=headers)


@pytest.mark.parametrize(
    "url",
    [
        "https://{{ caller.name }}.example.com/",
        "https://example.com/{% if x %}",
        "https://example.com/{# x #}",
        "ftp://example.com/",
        "example.com/x",
        "https://",
        "",
    ],
)
def test_an_address_is_fixed_and_of_the_web(url):
    with pytest.raises(ValidationError):
        WebhookOptions(url=url)


def test_the_published_example_of_standard_webhooks_comes_out():
    """The vector printed in the Standard Webhooks documentation."""
    headers = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_of_another_kind_is_its_own_bytes():
    digest = hmac.new("schlüssel".encode(), b"i.5.b", hashlib.sha256).digest()
    assert signature("schlüssel", "i", 5, b"b")["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_a_secret_that_cannot_be_read_is_refused_without_being_shown():
    with pytest.raises(ValidationError) as caught:
        WebhookOptions(url="https://example.com/", signing_secret="whsec_???")
    assert "whsec_???" not in str(caught.value)
    assert WebhookOptions(url="https://example.com/", signing_secret="").signing_secret is None
