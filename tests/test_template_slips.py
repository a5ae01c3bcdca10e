"""What keeps a text from being a template is told in plain words, with the piece that is wrong and what to write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import TemplateError
from relay.templates import compile_template


def said(source):
    with pytest.raises(TemplateError) as refused:
        compile_template(source)
    return str(refused.value)


@pytest.mark.parametrize(
    ("source", "piece", "words"),
    [
        ("Hi {{ business.name }: sorry", "{{ business.name }", "opened and never closed; write }} behind it"),
        ("Hi {{ business.name, {{ caller.name }}", "{{ business.name,", "never closed; write }}"),
        ("Hi {{ business.name\nand more", "{{ business.name", "never closed; write }}"),
        ("{% if caller.name }Hi{% endif %}", "{% if caller.name }", "never closed; write %}"),
        ("{{ caller.name }} {# a note", "{# a note", "never closed; write #}"),
        ("{{ }}", "{{ }}", "nothing stands between the braces; write a name, like {{ business.name }}"),
        ("{% %}", "{% %}", "nothing stands between the braces"),
        ("{{ business name }}", "{{ business name }}", "joined by a dot; write {{ business.name }}"),
        ("{{ caller.name | default 'there' }}", "{{ caller.name | default 'there' }}", "write default(…)"),
        ("{{ caller.name | default: 'there' }}", "{{ caller.name | default: 'there' }}", "write default(…)"),
        ("{{ caller.name or 'there }}", "{{ caller.name or 'there }}", "write another ' behind the text"),
        ("{{ caller.name | default('a' }}", "{{ caller.name | default('a' }}", "more ( than ); write one ) for"),
        ("{{ \u201cthere\u201d }}", "{{ \u201cthere\u201d }}", "the curled quote \u201c is none to"),
        ("{{ caller.name = 'x' }}", "{{ caller.name = 'x' }}", "compare with =="),
        ("{{ caller.name && call.id }}", "{{ caller.name && call.id }}", "&& means nothing here; write and, or, not"),
        ("{{ caller.name ? 1 }}", "{{ caller.name ? 1 }}", "? means nothing here; take it away"),
        ("{{ caller.name if }}", "{{ caller.name if }}", "this is no value"),
        ("{% if caller.name %}Hi", "{% if caller.name %}", "never ended; write {% endif %} behind"),
        ("{% for t in caller.tags %}{{ t }}", "{% for t in caller.tags %}", "never ended; write {% endfor %} behind"),
        ("{% if caller.name %}Hi{% endfi %}", "{% endfi %}", "{% endfi %} is not known; did you mean {% endif %}?"),
        ("{% unless caller.name %}", "{% unless caller.name %}", "there are if, elif, else, endif, for and endfor"),
        ("Hi{% endif %}", "{% endif %}", "no {% if %} is open here; take it away"),
        ("{% if a %}{% for t in x %}{% endif %}", "{% endif %}", "{% for %} is still open here; write {% endfor %}"),
        ("{% if %}a{% endif %}", "{% if %}", "behind if stands a condition, like {% if caller.name %}"),
        ("{% if caller.name = 'x' %}a{% endif %}", "{% if caller.name = 'x' %}", "compare with =="),
        ("{% for caller.tags %}a{% endfor %}", "{% for caller.tags %}", "written {% for tag in caller.tags %}"),
        ("{% if a %}b{% else c %}{% endif %}", "{% else c %}", "behind else stands nothing"),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_its_piece_and_what_to_write(source, piece, words):
    told = said(source)
    assert told.startswith(f"`{piece}`: ")
    assert words in told.partition(" (the template's reader: ")[0]


def test_the_first_piece_that_is_wrong_is_the_one_that_is_told():
    assert said("{{ caller.name }} {{ business name }} {{ }}").startswith("`{{ business name }}`")


@pytest.mark.parametrize(
    "sound",
    [
        "{# {{ caller.name }} was here #}",
        "{%if(caller.name)%}Hi{% endif %}",
        "{% if\tcaller.name %}Hi{% endif %}",
        "ABNORMAL: {{ '}}' }}",
        "{{ '{{' }}",
        '{{ caller.name | default("it\'s }} {{") }}',
        "{% if caller.name == '%}' %}Hi{% endif %}",
    ],
)
def test_a_piece_that_is_sound_is_not_blamed_for_another(sound):
    assert said(sound + "\n{{ business name }}").startswith("`{{ business name }}`: the parts of a name")


def test_a_long_piece_is_cut_and_stands_in_one_line():
    assert said("{{ a\n  b " + "c " * 99 + "}}").startswith("`{{ a b c c ")
    assert len(said("{{ a " + "b " * 999 + "}}")) < 300


def test_a_misspelt_filter_is_answered_with_the_nearest():
    assert said("{{ caller.name | uper }}") == "there is no filter `uper`; did you mean `upper`?"
    assert "there are capitalize," in said("{{ caller.name | national }}")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ caller.name | replace('a') }}", "the filter replace cannot be used so; in its brackets stand old, new"),
        ("{{ caller.name | upper(3) }}", "the filter upper cannot be used so; it takes no brackets"),
        ("{{ caller.name | truncate(size=5) }}", "in its brackets stand length, killwords, end"),
    ],
)
def test_what_a_filter_does_not_take_is_told_when_the_file_is_read(source, words):
    assert words in said(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ name > 5 }}", "a value cannot be used so: text, numbers and lists cannot be compared with each other"),
        ("{% if name in 5 %}{% endif %}", "a value cannot be used so: `in` asks a text or a list"),
        ("{{ name | truncate('x') }}", "name | truncate: 'x' is no whole number"),
        ("{{ name | round }}", "name | round: 'Dana' is no number"),
    ],
)
def test_a_value_that_does_not_fit_is_told_without_the_words_of_a_language(source, words):
    with pytest.raises(TemplateError) as refused:
        compile_template(source).render({"name": "Dana"})
    assert str(refused.value) == words


def test_what_nobody_writes_by_hand_is_told_in_the_readers_words():
    assert said("{{ a b }}" * 500).startswith("`{{ a b }}`")
    assert said("{{ a }}" * 500 + "{{ b c }}").startswith("this cannot be read as a template (expected token")


@given(
    st.lists(st.sampled_from(["{{", "}}", "{%", "%}", "{#", "if", "endif", "a", " ", "'", "(", "=", "|", "\n", "}"]))
)
def test_whatever_is_written_is_read_or_told(parts):
    source = "".join(parts)
    told = None
    try:
        compile_template(source)
    except TemplateError as error:
        told = error
    assert told is None or (str(told) and 0 <= told.column <= len(source))
