"""Whatever a caller is called, it is only text wherever it lands: one table of strings over every sink."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from relay.sandbox import Sandbox, SandboxSettings
from relay.standins import CrmStandIn, GoogleStandIn, SinkStandIn, SlackStandIn
from relay.standins import slack as slack_names
from relay.standins.crm import TOKEN as CRM_TOKEN
from tests.connectors.test_mail import Server as MailServer
from tests.connectors.test_mail import certificate
from tests.dashboard.browser import CHROMIUM
from tests.dashboard.conftest import SECRET, TOKEN, VIEW, start
from tests.sinks import CALLS, SINKS
from tests.sinks.pages import browser

__all__ = ["certificate"]

FILE = """
business: {name: Bright Plumbing, timezone: America/Chicago}
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
network: {allow: [127.0.0.1/32], allow_http: true}
callscaler: {api_key: "${API_KEY}", base_url: "${API_URL}/api/v1", backfill: {every: 1h}}
sources: {callscaler: {type: callscaler, proof: {header: X-Relay-Secret, secret: "${RELAY_HOOK_SECRET}"}}}
texting: {limits: {per_person: none, per_prefix: none, total: none}}
connectors:
  team: {type: slack, webhook_url: "${SLACK_URL}", rate: 1000/s}
  bot: {type: slack, token: "${SLACK_TOKEN}", channel: "#calls", base_url: "${SLACK_BASE}/api", rate: 1000/s}
  sheet: {type: google_sheets, base_url: "${SHEETS_URL}", spreadsheet: "${SPREADSHEET}", worksheet: Calls,
          credentials: "${GOOGLE_KEY}", batch: {rows: 200, or_after: 1s}}
  crm:
    type: crm
    base_url: ${CRM_URL}
    auth: {bearer: "${CRM_TOKEN}"}
    find: {method: GET, path: "/contacts?phone={{ match | urlencode }}", id: items.0.id}
    create: {method: POST, path: /contacts, id: id}
    update: {method: PATCH, path: "/contacts/{{ found.id }}"}
    log: {method: POST, path: "/contacts/{{ found.id }}/calls"}
  hub: {type: crm, preset: hubspot, token: false-token, base_url: "${SINK}/hub", rate: 1000/s}
  any: {type: webhook, url: "${SINK}/any"}
  table: {type: archive, path: calls.csv, format: csv, columns: [Call, Name, Said]}
  lines: {type: archive, path: calls.jsonl, format: jsonl}
  bell: {type: notify, url: "json${SINK_BARE}/bell?cto=30&rto=30"}
  post: {type: email, host: 127.0.0.1, port: "${MAIL_PORT}", security: none, from: relay@example.com,
         to: owner@example.com}
rules:
  - name: Everywhere
    when: call.*
    then:
      - {send: team, message: "*{{ call.id }}* {{ caller.name | default('') }}|"}
      - send: bot
        key: "{{ call.id }}"
        blocks:
          - {type: header, text: {type: plain_text, text: "{{ caller.name | default('') }}|"}}
          - {type: section, text: {type: mrkdwn, text: "{{ call.id }} {{ call.summary | default('') }}|"}}
        buttons: [{label: "{{ caller.name | default('x') }}", url: "https://example.com/{{ call.id }}"}]
      - {send: sheet, key: "{{ call.id }}", row: {Call: "{{ call.id }}", Name: "{{ caller.name | default('') }}"}}
      - send: crm
        match: "{{ caller.number }}"
        fields: {name: "{{ caller.name | default('') }}", id: "{{ call.id }}"}
      - send: hub
        match: "{{ caller.number }}"
        fields: {firstname: "{{ caller.name | default('') }}"}
        log: {note: "{{ call.id }} {{ call.summary | default('') }}"}
      - send: any
        headers: {X-Call: "{{ call.id }}", X-Name: "n{{ caller.name | default('') }}|"}
        body:
          id: "{{ call.id }}"
          name: "{{ caller.name | default('') }}"
          loud: "{{ caller.name | default('') | upper }}"
          cut: "{{ caller.name | default('') | truncate(20) }}"
          link: "https://example.com/?q={{ caller.name | default('') | urlencode }}"
          shown: "<b>{{ caller.name | default('') | escape }}</b>"
      - send: table
        row: {Call: "{{ call.id }}", Name: "{{ caller.name | default('') }}", Said: " {{ call.summary | default('') }}"}
      - {send: lines, row: {call: "{{ call.id }}", name: "{{ caller.name | default('') }}"}}
      - send: bell
        title: "{{ call.id }} {{ caller.name | default('') }}"
        message: "{{ call.id }} {{ caller.name | default('') }}|"
      - send: post
        subject: "{{ call.id }} {{ caller.name | default('') }}"
        body: "{{ call.id }} {{ caller.name | default('') }}"
        html: "<p>{{ call.id }} {{ caller.name | default('') }}</p>"
  - name: Text
    when: call.missed
    then: [{text: caller, body: "{{ call.id }} Hi {{ caller.name | default('there') }}! Reply STOP to opt out."}]
"""
FIELDS = """caller_name summary transcription call_flow_name source utm_source utm_medium utm_campaign utm_term gclid
landing_page_url caller_city caller_state ai_category status_reason""".split()  # noqa: SIM905 - reads better so


class World:
    """A relay among its services, to which every string came as a caller's name and words."""


@asynccontextmanager
async def lived(folder, until, pair):
    async with AsyncExitStack() as stack:
        it = World()
        it.slack, it.google, it.crm, it.sink = (
            SlackStandIn(), GoogleStandIn(reads_a_minute=None, writes_a_minute=None), CrmStandIn(), SinkStandIn()
        )  # fmt: skip
        it.sink.answer = {"id": "1", "results": [{"id": "7"}], "total": 1}
        it.sandbox = Sandbox(None, settings=SandboxSettings(past_calls=0))
        it.mail = MailServer(pair, "none")
        it.sandbox.add_number("+13125550142", "Main line")
        await it.sandbox.start()
        stack.push_async_callback(it.sandbox.stop)
        for service in (it.slack, it.google, it.crm, it.sink, it.mail):
            await service.start()
            stack.push_async_callback(service.stop)
        environment = {
            "API_KEY": it.sandbox.key, "API_URL": it.sandbox.url, "SLACK_URL": it.slack.webhook_url,
            "SLACK_TOKEN": slack_names.TOKEN, "SLACK_BASE": it.slack.url, "SHEETS_URL": it.google.base_url,
            "SPREADSHEET": it.google.spreadsheet, "GOOGLE_KEY": it.google.credentials(), "CRM_URL": it.crm.base_url,
            "CRM_TOKEN": CRM_TOKEN, "SINK": it.sink.url, "SINK_BARE": it.sink.url.removeprefix("http"),
            "MAIL_PORT": str(it.mail.port),
            "RELAY_ADMIN_TOKEN": TOKEN, "RELAY_VIEW_TOKEN": VIEW, "RELAY_HOOK_SECRET": SECRET,
        }  # fmt: skip
        it.environment = environment
        it.house = await stack.enter_async_context(start(folder, it.sink.url, environment, FILE))
        for nth, (call, text) in enumerate(CALLS.items()):
            fields = dict.fromkeys(FIELDS, text)
            told = await it.house.ring(
                call, caller_number=f"+1312555{nth:04d}", tracking_number="+13125550142", **fields
            )
            assert told.get("event"), (text, told)
            if nth % 16 == 0:
                await it.house.settled(until)
        await it.house.settled(until)
        yield it


@pytest.fixture
async def world(tmp_path, until, certificate, monkeypatch):
    monkeypatch.setattr("connectors.slack.connector.A_MINUTE", 60_000)
    async with lived(tmp_path, until, certificate) as it:
        it.folder = tmp_path
        yield it


async def test_whatever_a_caller_is_called_is_only_text_in_every_sink(world):
    looked_at = [sink for sink in SINKS if CHROMIUM is not None or sink is not browser]
    wrong = [f"{sink.__name__}: {text!r:.200} {what}" for sink in looked_at async for text, what in sink(world)]
    assert wrong == [], "\n".join(wrong[:60])
    if looked_at != SINKS:
        pytest.skip("sound but for pages in a browser, not looked at: there is no Chromium on this machine")
