"""What the doctor finds with somebody new: keys, numbers, channels, sheets, clocks."""

from __future__ import annotations

import time

from relay.intake import Intake
from relay.metrics import Metrics
from relay.standins import GoogleStandIn, SlackStandIn
from tests.certificate import certificate_for
from tests.docs.newcomer import LOOPBACK, PROVED, ledger_of, phone_system, running, sheet, source
from tests.docs.slips.outside import say_nothing, server
from tests.docs.slips.provoked import says


@says("its certificate is self-made, and senders that see the same send nothing")
async def a_self_made_certificate_before_the_relay(new):
    files = [new.folder / "key.pem", new.folder / "certificate.pem"]
    for file, written in zip(files, certificate_for("127.0.0.1"), strict=True):
        file.write_bytes(written)
    async with server(say_nothing, reversed(files)) as port:
        return await new.type("doctor", "--through", f"https://127.0.0.1:{port}")


@says("no key: nothing is texted, fetched or regrouped")
async def no_api_key(new):
    return await new.type("doctor")


@says("the key does not work: … answered 401 (unauthorized)")
async def a_wrong_api_key(new):
    async with phone_system(new):
        return await new.type("doctor", CALLSCALER_API_KEY="cs_key_of_somebody_else")


@says("it cannot be asked: … nobody listens at …")
async def an_unreachable_phone_system(new):
    new.add(LOOPBACK)
    return await new.type("doctor", CALLSCALER_API_KEY="cs_key_false", CALLSCALER_BASE_URL="http://127.0.0.1:1/api/v1")


@says("… numbers can text; … cannot")
async def numbers_that_cannot_text(new):
    async with phone_system(new):
        return await new.type("doctor")


@says("top up: a text that the balance does not cover is not sent")
async def a_low_balance(new):
    async with phone_system(new) as sandbox:
        sandbox.set_balance(3)
        return await new.type("doctor")


@says("it has posted no webhook yet")
async def no_call_flow_posts(new):
    async with phone_system(new):
        return await new.type("doctor")


@says("Slack answered 410 channel_is_archived: the channel is archived; make a webhook for another one")
async def an_archived_channel(new):
    async with running(SlackStandIn()) as slack:
        slack.archived = True
        new.write(f"connectors:\n  team: {{type: slack, webhook_url: '{slack.webhook_url}'}}\n")
        return await new.type("doctor")


@says("Slack answered 403 invalid_token: the webhook was revoked; make a new one")
async def a_revoked_webhook(new):
    async with running(SlackStandIn()) as slack:
        new.write(f"connectors:\n  team: {{type: slack, webhook_url: '{slack.webhook_url}-cut'}}\n")
        return await new.type("doctor")


@says("the spreadsheet is not shared: open it, press Share, and add …@… as Editor")
async def a_sheet_that_is_not_shared(new):
    async with running(GoogleStandIn()) as google:
        google.shared = False
        (new.folder / "google.json").write_text(google.credentials())
        new.write(sheet(google.base_url, google.spreadsheet))
        return await new.type("doctor")


@says("Google Sheets finds no such spreadsheet; its id stands in its address between /d/ and /edit")
async def another_sheet(new):
    async with running(GoogleStandIn()) as google:
        (new.folder / "google.json").write_text(google.credentials())
        new.write(sheet(google.base_url, "1AnotherSpreadsheetAltogether"))
        return await new.type("doctor")


@says("cannot be reached (…) … open the port, start the proxy or tunnel")
async def a_closed_port(new):
    return await new.type("doctor", "--through", "http://127.0.0.1:1")


@says("behind the newest event in the ledger … set the clock (timedatectl, NTP)")
async def a_clock_that_went_back(new):
    async with ledger_of(new) as ledger:
        intake = Intake(ledger, lambda: time.time() + 3600, Metrics())
        await intake.webhook(source(), [*PROVED.items()], b'{"event": "call.missed", "call_id": "c-1"}', "127.0.0.1")
        return await new.type("doctor")


@says("GB free (… free some space, or lower retention: size; a full disk answers webhooks with 503")
async def no_room(new):
    new.add("store: sqlite:////proc/relay.db\n")  # a file system without any room
    return await new.type("doctor")
