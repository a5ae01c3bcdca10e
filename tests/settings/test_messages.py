"""Texts of the file are judged while it is read, each complaint at the place of its body."""

FILE = """\
business: {name: Bright Plumbing}
texting: {max_segments: MOST}
rules:
  - name: Back
    mode: shadow
    when: call.missed
    then:
      - text: caller
        body: "BODY"
"""


def written(body, most=2):
    return FILE.replace("BODY", body).replace("MOST", str(most))


def test_a_text_over_max_segments_is_a_mistake_at_its_body(mistakes):
    [mistake] = mistakes(written("x" * 300 + " Reply STOP to opt out."))
    assert mistake.startswith(
        "9:15: at worst this text is 3 segments, 323 of 459 (GSM-7), and texting.max_segments is 2"
    )


def test_max_segments_of_the_file_counts(load):
    assert load(written("x" * 300 + " Reply STOP to opt out.", most=3)).warnings == ()


def test_what_is_unwise_is_a_warning_at_its_body(load):
    [warning] = load(written("{{ business.name }}: sorry we missed you.")).warnings
    assert (warning.line, warning.column) == (9, 15)
    assert "Reply STOP" in warning.message


def test_what_callers_say_is_not_texted_to_them(mistakes):
    [mistake] = mistakes(written("You said {{ call.transcription }}. Reply STOP to opt out."))
    assert mistake.startswith("9:15: {{ call.transcription }}: ")
