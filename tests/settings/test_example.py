"""The long example of the documentation loads as it stands, and absent sections have the defaults it shows."""

import pytest

from connectors.table import CONNECTORS
from relay.settings import read_settings

EXAMPLE = """\
business:
  name: Bright Plumbing
  timezone: America/Chicago
  hours: {mon-fri: 08:00-18:00, sat: 09:00-13:00}
  closed: [2026-12-25]
  staff: ["+13125550199"]

server: {listen: 127.0.0.1:8080, admin: 127.0.0.1:8081, public_url: "", admin_url: "", trusted_proxies: []}
store: sqlite:///relay.db
network: {allow: [], allow_http: false}
retention: {bodies: 30d, transcripts: 7d, attempts: 90d, size: 2GB}

callscaler:
  api_key: ${CALLSCALER_API_KEY}
  base_url: https://callscaler.com/api/v1
  backfill: {every: 5m, after: 20m, enrich_after: 3m}

sources:
  callscaler:
    type: callscaler
    proof: {header: X-Relay-Secret, secret: "${RELAY_HOOK_SECRET}", previous: "${RELAY_HOOK_SECRET_OLD:-}"}
    confirm: false

connectors:
  team:     {type: slack, webhook_url: "${SLACK_WEBHOOK_URL}"}
  call-log:
    type: google_sheets
    spreadsheet: 1AbC…
    worksheet: Calls
    credentials: "${file:google.json}"
    batch: {rows: 50, or_after: 10s}
  crm:      {type: crm, preset: hubspot, token: "${HUBSPOT_TOKEN}"}
  archive:  {type: webhook, url: https://example.com/calls, signing_secret: "${ARCHIVE_SECRET}"}

texting:
  quiet_hours: {allow: 08:00-20:00, clock: recipient, states: strict}
  limits: {per_person: 2/day, per_prefix: 30/hour, total: 150/day}
  regions: [US, CA]
  max_segments: 2
  settle: 2m

regroup: {max_changes: 10, min_history: window, stay: 7d, never: [], enforce: false, check_against_api: false}
groups: []
alerts: {to: team, silence: true}
lists: {welcome: lists/welcome.txt}
spam: {score: [{if: {call.robo_score: {at_least: 70}}, add: 3}], likely_from: 4, certain_from: 8, welcome: welcome}

rules:
  - name: Text back missed callers
    mode: live
    when: [call.missed, call.voicemail]
    if:
      caller.number: present
      call.spam: {not_in: [likely, certain]}
    guards:
      fresh: 15m
      hours: hold
      cooldown: {per: caller, for: 24h}
      # once: call.id
    then:
      - wait: 2m
        cancel_if: {caller.answered_since: true}
      - text: caller
        body: "{{ business.name }}: sorry we missed you. What do you need? Reply STOP to opt out."
      - send: team
        message: "Texted {{ caller.number }} back"

  - name: Log every call
    when: [call.*, call.enriched]
    then:
      - send: call-log
        key: "{{ call.id }}"
        row:
          Started: "{{ call.started_at }}"
          Caller: "{{ caller.number }}"
          Outcome: "{{ call.outcome }}"
          Score: "{{ call.ai_score | default('') }}"

  - name: Park silent numbers
    when: {every: day, at: 06:10}
    for_each: number
    if:
      number.status: active
      number.group: {not_in: [Parked, Seasonal]}
      number.calls_30d: 0
    then:
      - regroup: number
        to: Parked

tests:
  - name: the second missed call of the day is not texted
    given:
      - {event: call.missed, at: "2026-03-02 10:00", caller_number: "+13125550101"}
      - {event: call.missed, at: "2026-03-02 10:20", caller_number: "+13125550101"}
    expect: {texts: 1}
"""
ENVIRONMENT = {
    "CALLSCALER_API_KEY": "cs_key_false0false0false",
    "RELAY_HOOK_SECRET": "false-secret-0001-0001-0001",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/false",
    "HUBSPOT_TOKEN": "false-token",
    "ARCHIVE_SECRET": "whsec_bm90LWEtcmVhbC1zaWduaW5nLXNlY3JldC0wMDAwMDA=",
}


@pytest.fixture
def folder(tmp_path, service_account):
    (tmp_path / "google.json").write_text(service_account)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "welcome.txt").write_text("# friends\n(312) 555-0107  # Dana\n\n+13125550108\n")
    (tmp_path / "relay.yaml").write_text(EXAMPLE)
    return tmp_path


def test_the_long_example_loads(folder):
    settings = read_settings(folder / "relay.yaml", CONNECTORS, ENVIRONMENT)
    assert [rule.name for rule in settings.rules] == [
        "Text back missed callers",
        "Log every call",
        "Park silent numbers",
    ]
    assert set(settings.connectors) == {"team", "call-log", "crm", "archive", "callscaler"}
    assert settings.spam.welcome == {"+13125550107", "+13125550108"}
    assert settings.about.name == "Bright Plumbing"
    assert len(settings.tests) == 1
    assert settings.alerts_to == "team"
    told = " ".join(str(warning) for warning in settings.warnings)
    assert "secret stands in the file" not in told
    for secret in ENVIRONMENT.values():
        assert secret not in repr(settings)


def test_absent_sections_have_the_defaults_that_the_example_shows(tmp_path):
    (tmp_path / "relay.yaml").write_text("rules: []\n")
    settings = read_settings(tmp_path / "relay.yaml", CONNECTORS, {"RELAY_HOOK_SECRET": "false-secret-0001-0001-0001"})
    server, callscaler = settings.server, settings.callscaler
    assert (server.listen, server.admin, server.trusted_proxies) == ("127.0.0.1:8080", "127.0.0.1:8081", [])
    assert settings.store == "sqlite:///relay.db"
    assert (settings.network.allow, settings.network.allow_http) == ((), False)
    assert callscaler.base_url == "https://callscaler.com/api/v1"
    assert (callscaler.backfill.every, callscaler.backfill.after, callscaler.backfill.enrich_after) == (300, 1200, 180)
    assert settings.sources["callscaler"].proof.layout.header == "X-Relay-Secret"
    policy = settings.policy
    assert (policy.per_person.most, policy.per_prefix.most, policy.total.most) == (2, 30, 150)
    assert (policy.regions, policy.settle) == ({"US", "CA"}, 120)
    assert settings.warnings == ()


def test_the_default_source_takes_an_old_secret_during_rotation(tmp_path):
    (tmp_path / "relay.yaml").write_text("")
    environment = {"RELAY_HOOK_SECRET": "false-secret-0001-0001", "RELAY_HOOK_SECRET_OLD": "false-secret-0000-0000"}
    proof = read_settings(tmp_path / "relay.yaml", CONNECTORS, environment).sources["callscaler"].proof
    assert [proof.check([("x-relay-secret", value)], b"", 0.0).used_previous for value in environment.values()] == [
        False,
        True,
    ]
