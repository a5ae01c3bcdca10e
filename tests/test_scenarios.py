from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.table import CONNECTORS
from relay.scenarios import run_scenarios
from relay.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
business: {{name: Bright Plumbing, timezone: America/Chicago, hours: {{mon-fri: 08:00-18:00}}}}
sources: {{callscaler: {{type: callscaler, proof: {{header: X-Relay-Secret, secret: "${{SECRET}}"}}}}}}
connectors:
  log: {{type: webhook, url: https://example.com/calls, signing_secret: "${{SECRET}}"}}
rules:
  - name: Back
    mode: shadow
    when: [call.missed]
    if: {{caller.number: present}}
    guards: {{cooldown: {{for: 24h}}}}
    then:
      - {{wait: 2m, cancel_if: {{caller.answered_since: true}}}}
      - {{text: caller, body: sorry}}
  - name: Log
    when: [call.*, call.enriched]
    then: [{{send: log}}]
  - name: Score
    when: [call.enriched]
    if: {{call.ai_score: {{at_least: 60}}, call.outcome: answered}}
    then: [{{send: log}}]
  - name: Silent
    when: [call.voicemail]
    if: {{number.calls_30d: 0, number.group: Sales}}
    then: [{{regroup: number, to: Parked}}]
  - name: Hours
    when: [call.failed]
    guards: {{hours: hold}}
    then: [{{send: log}}]
  - name: Park
    mode: shadow
    when: {{every: day, at: 06:10}}
    for_each: number
    if: {{number.status: active, number.group: {{not_in: [Parked, Seasonal]}}, number.calls_30d: 0}}
    then: [{{regroup: number, to: Parked}}]
  - name: Digest
    when: [{{at: opening, plus: 10m}}, call.failed]
    guards: {{hours: skip}}
    then: [{{send: log}}]
tests:
{tests}
"""
MISSED = '{event: call.missed, at: "2026-03-02 10:00"}'
CALL = '{event: call.completed, at: "2026-03-02 10:00", call_id: a}'
ENRICHED = '{event: call.enriched, at: "2026-03-02 10:03", call_id: a}'
AI = "ai_score: 5, transcription: t, summary: s, ai_category: lead, qualified_ai: true"
PARK = '{tick: Park, at: "2026-03-02 06:10"}'
DIGEST = '{tick: Digest, at: "2026-03-02 08:10"}'
NUMBERS = """numbers:
      - {number: "+13125550142", group: Sales, status: active, calls_30d: 0}
      - {number: "+13125550143", group: Sales, status: active, calls_30d: 4}
      - {number: "+13125550144", group: Seasonal, status: active, calls_30d: 0}"""
VOICEMAIL = '{event: call.voicemail, at: "2026-03-02 10:00", tracking_number: "+13125550142"}'


async def failures(path: Path, given: str, expect: str, more: str = "") -> list[str]:
    file = path / "relay.yaml"
    file.write_text(
        FILE.format(tests=f"  - name: t\n    given: [{given}]\n    expect: {expect}\n    {more}"), encoding="utf-8"
    )
    settings = read_settings(file, CONNECTORS, {"SECRET": "false-secret-0000", "CALLSCALER_API_KEY": "cs_key_false"})
    found = await run_scenarios(settings, CONNECTORS)
    return [message.removeprefix("test `t`: ") for _, _, message in found]


@pytest.mark.parametrize(
    ("given", "expect", "more"),
    [
        (MISSED, "{texts: 1, delivered: {log: 1}, suppressed: 0, verdicts: {Back: ran, Silent: skipped}}", ""),
        (
            f'{MISSED}, {{event: call.missed, at: "2026-03-02 10:20"}}',
            "{texts: 1, suppressed: 1, verdicts: {Back: suppressed}, delivered: {log: 2}}",
            "",
        ),
        (f'{MISSED}, {{event: call.missed, at: "2026-03-02 10:01"}}', "{texts: 1, verdicts: {Back: suppressed}}", ""),
        (f'{MISSED}, {{event: call.completed, at: "2026-03-02 10:01"}}', "{texts: 0, verdicts: {Back: ran}}", ""),
        (
            f'{{event: call.completed, at: "2026-03-02 10:01:30"}}, {MISSED}',
            "{texts: 0}",
            "",
        ),
        ('{event: call.missed, at: "2026-03-02 07:45"}', '{texts: 1, held_until: "2026-03-02 08:00"}', ""),
        ('{event: call.missed, at: "2026-03-02 07:45"}', "{held_until: '08:00', verdicts: {Back: held}}", ""),
        ('{event: call.missed, at: "2026-03-02 22:00"}', "{texts: 0, suppressed: 1}", ""),
        (
            '{event: call.failed, at: "2026-03-07 12:00"}',
            '{held_until: "2026-03-09 08:00", verdicts: {Hours: held}}',
            "",
        ),
        (f"{MISSED}", "{texts: 0, verdicts: {Back: skipped}}", ""),
        (MISSED, "{texts: 1, delivered: {log: 0}}", "broken: {log: 503}"),
        (MISSED, "{texts: 0, delivered: {callscaler: 0}}", "broken: {callscaler: 503}"),
        (VOICEMAIL, "{moves: 0}", ""),
        (
            VOICEMAIL,
            "{moves: [{number: '+13125550142', to: Parked}]}",
            'numbers: [{number: "+13125550142", group: Sales, calls_30d: 0}]',
        ),
        (VOICEMAIL, "{moves: 0}", 'numbers: [{number: "+13125550142", group: Sales, calls_30d: 3}]'),
        (
            VOICEMAIL,
            "{moves: {'+13125550142': Parked}}",
            'numbers: [{number: "+13125550142", group: Sales, calls_30d: 0}]',
        ),
        (
            f'{CALL}, {{event: call.enriched, at: "2026-03-02 10:03", call_id: a, ai_score: 70}}',
            "{delivered: {log: 3}, verdicts: {Score: ran}}",
            "",
        ),
        (
            f"{CALL.replace('completed', 'missed')}, {ENRICHED}",
            "{texts: 1, verdicts: {Score: skipped}}",
            "",
        ),
        ('{event: call.enriched, at: "2026-03-02 10:03", ai_score: 61}', "{verdicts: {Score: ran}}", ""),
        ('{event: text.received, at: "2026-03-02 10:03", body: hello}', "{texts: 0, delivered: {log: 0}}", ""),
        (PARK, "{moves: [{number: '+13125550142', to: Parked}], delivered: {log: 0}}", NUMBERS),
        (PARK, "{moves: 1, verdicts: {Park: skipped}, suppressed: 0}", NUMBERS),
        (f"{PARK}, {PARK.replace('03-02', '03-03')}", "{moves: 1}", NUMBERS),
        (DIGEST, "{delivered: {log: 1}, verdicts: {Digest: ran}}", ""),
        (f"{MISSED}, {DIGEST}", "{delivered: {log: 2}, texts: 1, verdicts: {Digest: ran}}", ""),
        (DIGEST.replace("08:10", "19:00"), "{delivered: {log: 0}, verdicts: {Digest: skipped}}", ""),
    ],
)
async def test_a_scenario_turns_out_as_it_expects(tmp_path: Path, given: str, expect: str, more: str) -> None:
    if "Back: skipped" in expect:
        given = given.replace("}", ", caller_number: anonymous}")
    assert await failures(tmp_path, given, expect, more) == []


@pytest.mark.parametrize(
    ("given", "expect", "more", "message"),
    [
        (MISSED, "{texts: 2}", "", "texts: wanted 2, was 1"),
        (MISSED, "{delivered: {log: 3}}", "", "delivered to log: wanted 3, was 1"),
        (MISSED, "{suppressed: 1}", "", "suppressed runs: wanted 1, was 0"),
        (MISSED, "{held_until: '2026-03-02 08:00'}", "", "held until: wanted 2026-03-02 08:00, was not held"),
        (MISSED, "{held_until: noon}", "", "is no time"),
        (MISSED, "{verdicts: {Back: skipped}}", "", "verdict of Back: wanted skipped, was ran"),
        (MISSED, "{moves: {'+13125550142': Parked}}", "", "was none"),
        ('{event: call.missed, at: "2026-02-30 10:00"}', "{texts: 1}", "", "is no time"),
        (
            '{event: call.missed, at: "2026-03-02 10:00", caler_number: x}',
            "{texts: 1}",
            "",
            "did you mean `caller_number`",
        ),
        ('{event: call.missed, at: "2026-03-02 10:00", call_id: ""}', "{texts: 1}", "", "without a usable id"),
        ('{tick: Parc, at: "2026-03-02 10:00"}', "{texts: 0}", "", "did you mean `Park`"),
        ('{tick: Silent, at: "2026-03-02 10:00"}', "{texts: 0}", "", "no known rule that runs by the clock"),
        (PARK.replace("}", ", number: x}"), "{texts: 0}", NUMBERS, "`number` is no known key"),
        (PARK, "{moves: 0}", "", "needs some under `numbers:`"),
        (PARK, "{moves: 0}", NUMBERS, "moves: wanted 0, was 1"),
        (
            f"{CALL[:-1]}, {AI}}}, {ENRICHED}",
            "{texts: 0}",
            "",
            "brings no field that was missing",
        ),
    ],
)
async def test_a_scenario_says_what_turned_out_otherwise(
    tmp_path: Path, given: str, expect: str, more: str, message: str
) -> None:
    found = await failures(tmp_path, given, expect, more)
    assert len(found) == 1, found
    assert message in found[0]


async def test_every_mistake_in_what_is_given_is_told_at_once(tmp_path: Path) -> None:
    late, odd = '{event: call.missed, at: "2026-02-30 10:00"}', MISSED.replace("}", ", caler_number: x}")
    found = await failures(tmp_path, f"{late}, {odd}", "{texts: 1}")
    assert [message.partition(":")[0] for message in found] == ["given 1", "given 2"]


async def test_a_failure_points_at_its_scenario(tmp_path: Path) -> None:
    file = tmp_path / "relay.yaml"
    text = FILE.format(tests=f"  - name: t\n    given: [{MISSED}]\n    expect: {{texts: 5}}")
    file.write_text(text, encoding="utf-8")
    settings = read_settings(file, CONNECTORS, {"SECRET": "false-secret-0000", "CALLSCALER_API_KEY": "cs_key_false"})
    [(line, _, _)] = await run_scenarios(settings, CONNECTORS)
    assert "name: t" in text.splitlines()[line - 1]


async def test_a_stop_in_a_scenario_is_heeded(tmp_path: Path) -> None:
    stop = '{event: text.received, at: "2026-03-02 10:00", caller_number: "+13125550101", body: Please stop texting me}'
    missed = '{event: call.missed, at: "2026-03-02 10:30", caller_number: "+13125550101"}'
    assert await failures(tmp_path, f"{stop}, {missed}", "{texts: 0, verdicts: {Back: suppressed}}") == []


GROUPED = """
sources: {{callscaler: {{type: callscaler, proof: {{header: X-Relay-Secret, secret: "${{SECRET}}"}}}}}}
groups:
  - {{name: Parked, if: {{number.calls_30d: 0}}}}
  - {{name: Busy, if: {{number.calls_7d: {{at_least: 50}}}}, leave_below: {{number.calls_7d: 40}}}}
  - {{name: Main, default: true}}
regroup: {regroup}
tests:
  - name: t
    given: [{given}]
    numbers:
      - {{number: "+13125550142", group: Main, calls_30d: 0, calls_7d: 0}}
      - {{number: "+13125550143", group: Main, calls_30d: 9, calls_7d: 3}}
      - {{number: "+13125550144", group: Busy, calls_30d: 90, calls_7d: 45}}
      - {{number: "+13125550145", group: Sales, calls_30d: 90, calls_7d: 60}}
    expect: {expect}
"""
KEPT = '{tick: groups, at: "2026-03-02 06:10"}'


@pytest.mark.parametrize(
    ("regroup", "given", "expect", "said"),
    [
        ("{}", KEPT, '{moves: {"+13125550142": Parked, "+13125550145": Busy}}', None),
        ("{}", f"{KEPT}, {KEPT.replace('06:10', '07:10')}", "{moves: 2}", None),
        ("{max_changes: 1}", KEPT, "{moves: 0}", None),
        ('{never: ["+13125550142"]}', KEPT, '{moves: {"+13125550145": Busy}}', None),
        ("{never: [Sales]}", KEPT, '{moves: {"+13125550142": Parked}}', None),
        ("{}", KEPT, "{moves: 0}", "moves: wanted 0, was 2"),
        ("{}", KEPT.replace("groups", "group"), "{moves: 0}", "did you mean `groups`"),
    ],
)
async def test_declared_groups_are_kept_in_a_scenario_under_the_brakes_of_the_file(
    tmp_path, regroup, given, expect, said
):
    file = tmp_path / "relay.yaml"
    file.write_text(GROUPED.format(regroup=regroup, given=given, expect=expect), encoding="utf-8")
    settings = read_settings(file, CONNECTORS, {"SECRET": "false-secret-0000", "CALLSCALER_API_KEY": "cs_key_false"})
    wrong = [message for _, _, message in await run_scenarios(settings, CONNECTORS)]
    assert (wrong == []) if said is None else (said in wrong[0])
