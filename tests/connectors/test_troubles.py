"""The ten commonest troubles with each kind of service, and what a person reads of them."""

from __future__ import annotations

import pytest

from connectors.crm import Crm, CrmAction, CrmOptions
from connectors.google_sheets import GoogleSheets, Row, SheetsOptions
from connectors.webhook import Webhook, WebhookAction, WebhookOptions
from relay.connector import Job
from relay.errors import (
    DeliveryFailed,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from relay.standins import GoogleStandIn, SinkStandIn
from relay.testing import EVENT

ANN = "+13125550101"
HTML = b"<!doctype html><title>Sign in</title>"
WEBHOOK = [
    (400, b'{"reason": "phone is missing"}', Invalid, "400.*phone is missing"),
    (401, b"", Unauthorized, "401: the key or token was not accepted"),
    (403, b"", Forbidden, "403: the key or token may not do this"),
    (404, b"", NotFound, "404: there is nothing at this address"),
    (301, b"", Rejected, "redirects are not followed; use the final address"),
    (410, b"", NotFound, "410: the receiver is gone for good"),
    (413, b"", Invalid, "413: the receiver did not accept the request"),
    (429, b"", RateLimited, "429"),
    (500, b"", Unavailable, "500"),
    (503, b"", Unavailable, "503"),
]
CRM = [
    (400, b'{"message": "Property values were not valid"}', Invalid, "400"),
    (401, b"", Unauthorized, "401: the key or token was not accepted"),
    (402, b"", Invalid, "402"),
    (403, b"", Forbidden, "403: the key or token may not do this"),
    (404, b"", NotFound, "404: there is nothing at this address"),
    (409, b"", Invalid, "409"),
    (429, b"", RateLimited, "429"),
    (200, HTML, Unavailable, "not JSON"),
    (200, b'{"ok": false, "items": []}', DeliveryFailed, "ok"),
    (502, b"", Unavailable, "502"),
]
SHEETS = [
    (400, "INVALID_ARGUMENT", "Unable to parse range", NotFound, "there is no worksheet Calls"),
    (
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials",
        Unauthorized,
        "the key or token was not accepted",
    ),
    (403, "PERMISSION_DENIED", "The caller does not have permission", Forbidden, "press Share, and add .* as Editor"),
    (403, "PERMISSION_DENIED", "You are trying to edit a protected cell", Forbidden, "protected; let .* edit it"),
    (
        403,
        "PERMISSION_DENIED",
        "Google Sheets API has not been used in project 1",
        Forbidden,
        "not switched on .* enable it",
    ),
    (404, "NOT_FOUND", "Requested entity was not found.", NotFound, "/d/"),
    (429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Write requests'", RateLimited, "fewer requests"),
    (500, "INTERNAL", "Internal error encountered.", DeliveryFailed, "500"),
    (503, "UNAVAILABLE", "The service is currently unavailable.", DeliveryFailed, "503"),
    (
        400,
        "INVALID_ARGUMENT",
        "This action would increase the number of cells above the limit of 10000000",
        Invalid,
        "cells",
    ),
]


@pytest.fixture
async def answering():
    started = []

    async def start(status, body):
        sink = SinkStandIn(status=status, answer=body)
        await sink.start()
        started.append(sink)
        return sink.url

    yield start
    for sink in started:
        await sink.stop()


@pytest.mark.parametrize(("status", "body", "error", "said"), WEBHOOK)
async def test_a_webhook_receiver_in_trouble(http, answering, status, body, error, said):
    connector = Webhook(WebhookOptions(url=await answering(status, body)), http)
    with pytest.raises(error, match=said):
        await connector.send(Job("k", WebhookAction(), EVENT))


@pytest.mark.parametrize(("status", "body", "error", "said"), CRM)
async def test_a_crm_in_trouble(http, answering, status, body, error, said):
    written = {
        "base_url": await answering(status, body),
        "find": {"path": "/contacts?phone={{ match | urlencode }}"},
        "create": {"path": "/contacts"},
        "success_when": "ok",
    }
    with pytest.raises(error, match=said):
        await Crm(CrmOptions.model_validate(written), http).send(
            Job("k", CrmAction(match=ANN, fields={"a": "b"}), EVENT)
        )


@pytest.mark.parametrize(("status", "word", "message", "error", "said"), SHEETS)
async def test_google_sheets_in_trouble(http, answering, status, word, message, error, said):
    google = GoogleStandIn()
    await google.start()
    url = await answering(status, {"error": {"code": status, "message": message, "status": word}})
    options = {"base_url": url, "spreadsheet": "x", "worksheet": "Calls", "credentials": google.credentials()}
    connector = GoogleSheets(SheetsOptions.model_validate(options), http)
    with pytest.raises(error, match=said):
        await connector.send(Job("k", Row(row={"Call": "c1"}), EVENT))
    await google.stop()
