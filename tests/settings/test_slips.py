"""What a file may say and hardly means is warned of, at its place, with what to write."""

import pytest

FILE = """\
business: {name: Bright Plumbing, timezone: America/Chicago}
connectors:
  out: {type: webhook, url: https://example.com}
rules:
  - name: Tell
    when: call.missed
    then: [{send: out, body: {said: SAID}}]
"""


def warned(load, *changes):
    text = FILE
    for old, new in changes:
        text = text.replace(old, new)
    return [str(warning).partition(".yaml:")[2] for warning in load(text).warnings if ".yaml:" in str(warning)]


@pytest.mark.parametrize("single", ["{caller.number}", "{ caller.number }"])
def test_single_braces_are_warned_of_as_they_would_be_sent(load, single):
    [said] = warned(load, ("SAID", f'"from {single}"'))
    assert said == f"7:37: `{single}` is sent as it stands; write {{{{ caller.number }}}} to fill it in"


@pytest.mark.parametrize("plain", ['"from {{ caller.number }}"', '"{{caller.number}}"', '"{sic}"', '"don\u2019t"'])
def test_what_is_meant_is_not_warned_of(load, plain):
    assert warned(load, ("SAID", plain)) == []


def test_quotes_of_a_word_processor_are_warned_of(load):
    [said] = warned(load, ("Bright Plumbing", "\u201cBright Plumbing\u201d"))
    assert said == "1:18: the curled quotes \u201c and \u201d are a part of this text; write straight ones"


@pytest.mark.parametrize(("zone", "meant"), [("EST", "America/New_York"), ("MST", "America/Denver")])
def test_a_zone_without_summer_time_is_warned_of(load, zone, meant):
    [said] = warned(load, ("America/Chicago", zone))
    assert f"{zone} has no summer time: from March to November all hours would be one off; write {meant}," in said


def test_hours_without_a_colon_are_told_once(mistakes):
    assert mistakes("business:\n  hours: {mon-fri 08:00-18:00}\n") == [
        "2:10: `mon-fri 08:00-18:00` has no hours; write a day, a colon and a span, like mon-fri: 08:00-18:00"
    ]


def test_a_key_without_a_space_behind_its_colon_is_told(mistakes):
    [said] = mistakes("rules:\n  - name: x\n    mode:shadow\n    when: call.missed\n")
    assert "behind a key stand a colon and a space, `mode: shadow`; see the line above too" in said


def test_curled_quotes_that_break_the_file_are_named(mistakes):
    [said] = mistakes("business:\n  name: \u201cJoe: Plumber\u201d\n")
    assert "the curled quotes here are no quotes to YAML: write straight ones" in said


@pytest.mark.parametrize(
    "written", [f"call.missed{sign}call.voicemail" for sign in (", ", ",", "; ", " and ", " ")] + ["missed, voicemail"]
)
def test_several_events_without_brackets_are_shown_with_them(mistakes, written):
    [said] = mistakes(FILE.replace("when: call.missed", f"when: {written}"))
    assert said == f"6:11: `{written}` is one text; several stand in brackets: [call.missed, call.voicemail]"


def test_other_lists_without_brackets_are_shown_with_them(mistakes):
    assert mistakes("business:\n  closed: 2026-12-25, 2026-12-26\n") == ["2:11: this should be a list: [one, another]"]
    [said] = mistakes(FILE.replace("    when:", "    if: {call.outcome: 'missed, voicemail'}\n    when:"))
    assert "`call.outcome` is never `missed, voicemail`; several stand in brackets: [missed, voicemail]" in said


def test_every_hour_is_told_how_to_write(mistakes):
    [said] = mistakes(FILE.replace("call.missed", "{every: hour}"))
    assert "`hour` is no day; write {every: 1h}" in said


def test_spans_are_read_as_an_owner_writes_them(load):
    file = FILE.replace("then: [", "guards: {fresh: 1 hour}\n    then: [{wait: 2 minutes}, ").replace("SAID", "1")
    file += "texting: {limits: {per_person: 2/24 hours}}\n"
    settings = load(file)
    [rule] = settings.rules
    assert (rule.fresh, rule.steps[0].span) == (3600, 120)
    assert settings.policy.per_person.span == 86400


@pytest.mark.parametrize("style", ["|", ">", "|-"])
def test_a_mistake_in_a_text_of_several_lines_is_told_on_its_own_line(mistakes, style):
    text = f"{style}\n            Hello,\n            it is {{{{ business name }}}} here\n            bye"
    steps = f"\n      - send: out\n        body:\n          said: {text}\n"
    file = FILE.replace(" [{send: out, body: {said: SAID}}]", steps)
    [said] = mistakes(file)
    assert said.startswith("12:19: template: `{{ business name }}`: the parts of a name are joined by a dot")
    [said] = mistakes(file.replace("business name", "business.nam"))
    assert said.startswith("12:22: template: `business.nam` is not known")


@pytest.mark.parametrize(
    "then", ["[{send: out, body: {said: SAID}}]", "\n      - send: out\n        body: {}\n        headers: {A: SAID}"]
)
def test_quotes_within_quotes_are_told(mistakes, then):
    written = '"{{ caller.name | default("there") }}"'
    file = FILE.replace("[{send: out, body: {said: SAID}}]", then).replace("SAID", written)
    [said] = mistakes(file)
    assert said.startswith(f"{file[: file.index(written)].count(chr(10)) + 1}:")
    assert "within double quotes write single ones: \"{{ caller.name | default('there') }}\"" in said


@pytest.mark.parametrize("end", ["rules: [", "rules: {", 'rules: "', "rules: [\n", "rules:\n  - {a: [b, 'c"])
def test_a_file_that_ends_too_early_is_told_as_no_yaml(mistakes, end):
    [said] = mistakes(end)
    assert "this is no YAML" in said
    assert "was opened and never closed" in said


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        (
            "    when: call.missed",
            "   when: call.missed",
            "every entry of a list begins with - right below the one before",
        ),
        ("call.missed", "*", "put a value that begins with * or & into quotes"),
        ("rules:\n", "// mine\nrules:\n", "a remark begins with #"),
    ],
)
def test_what_a_newcomer_types_is_told_with_a_hint(mistakes, old, new, hint):
    [said] = mistakes(FILE.replace(old, new, 1))
    assert hint in said


def test_a_number_that_should_only_be_there_is_told_how_to_ask(mistakes):
    [said] = mistakes(FILE.replace("    when:", "    if: {caller.number: yes}\n    when:"))
    assert said.endswith("`yes` is no telephone number; write it as +13125550101, or present, or missing")
