"""Templates put values into the owner's words, and do nothing else."""

from __future__ import annotations

import time
import timeit
from typing import Annotated

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from relay.errors import Blank, TemplateError
from relay.models import Form
from relay.templates import (
    FILTERS,
    HEADER,
    HTML,
    PLAIN,
    URL_PART,
    Names,
    PathTemplate,
    Safe,
    compile_template,
    register_filter,
)

WORLD = {
    "business": {"name": "Bright Plumbing"},
    "caller": {"number": "+13125550101", "name": None, "tags": ["vip", "old"], "is_new": True},
    "call": {"ai_score": 42.0, "duration": 0, "raw": {"Odd Key": "x", "list": [{"id": "a1"}]}},
}


def say(source, escaping=PLAIN, **more):
    return compile_template(source, escaping).render({**WORLD, **more})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ business.name }}: sorry, {{ caller.number }}", "Bright Plumbing: sorry, +13125550101"),
        ("{{ call.ai_score }} {{ call.duration }} {{ caller.is_new }}", "42 0 true"),
        ("{{ caller.name | default('there') }}", "there"),
        ("{{ caller.nick.name | d('x') }}{{ nobody.at.all | default('y') }}", "xy"),
        ("{{ caller.name or 'there' }}", "there"),
        ("{% if caller.name %}Hi {{ caller.name }}{% else %}Hi{% endif %}", "Hi"),
        ("{% if caller.name is defined %}a{% elif call.duration == 0 %}b{% endif %}", "b"),
        ("{{ 'new' if caller.is_new else 'known' }}", "new"),
        ("{% if 'vip' in caller.tags and not call.duration > 5 %}V{% endif %}", "V"),
        ("{% if call.ai_score in [41, 42] %}in{% endif %}", "in"),
        ("{% if caller.name == 'x' %}a{% elif caller.name != 'x' %}b{% endif %}", "b"),
        ("{% for t in caller.tags %}{{ loop.index }}{{ t }}{{ '' if loop.last else ',' }}{% endfor %}", "1vip,2old"),
        ("{% for one in call.raw.list %}{{ one.id }}{% endfor %}", "a1"),
        ("{{ call.raw['Odd Key'] }}{{ call.raw.list.0.id }}{{ call.raw.list[0]['id'] }}", "xa1a1"),
        ("{{ caller.tags }} {{ caller.tags | join('/') }} {{ caller.tags | first }} {{ caller.tags | length }}",
         "vip, old vip/old vip 2"),
        ("{{ 'JANE o-NEIL' | title }} {{ 'aB' | upper }} {{ 'AB' | capitalize }}", "Jane O-Neil AB Ab"),
        ("{{ 'one two three' | truncate(11) }}|{{ 'short' | truncate(5) }}", "one two...|short"),
        ("{{ ' a ' | trim }}{{ 'a.b' | replace('.', '-') }}{{ 2.567 | round(1) }}{{ '7.9' | int }}", "aa-b2.67"),
        ("{{ 'x' | int | default('none') }} {{ -5 }} {{ 'a' | last }}", "none -5 a"),
        ("{% raw %}{{ kept }}{% endraw %}{# gone #}!\n", "{{ kept }}!\n"),
        ("no braces, 100% plain & <b>\n", "no braces, 100% plain & <b>\n"),
    ],
)  # fmt: skip
def test_what_owners_write_says_what_they_mean(source, said):
    assert say(source) == said


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("Hi {{ caller.name }}, we missed you", "caller.name has no value"),
        ("{{ caller.nmae }}", "caller.nmae has no value"),
        ("{{ steps.crm.url }}", "steps.crm.url has no value"),
        ("{{ caller.name | upper }}", "caller.name has no value"),
        ("{{ caller.tags | int }}", "caller.tags | int has no value"),
        ("{% if call.missing > 3 %}x{% endif %}", "call.missing has no value"),
        ("{% for x in caller.nothing %}x{% endfor %}", "caller.nothing has no value"),
        ("{{ 'a' | replace(caller.name, 'b') }}", "caller.name has no value"),
        ("{% if 'a' in caller.name %}x{% endif %}", "caller.name has no value"),
    ],
)
def test_a_hole_is_named_and_never_sent(source, missing):
    with pytest.raises(Blank, match=f"^{missing.replace('|', '[|]')}$"):
        say(source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ 'a'*300000000 }}", "no arithmetic"),
        ("{{ '%0200000000d' % 3 }}", "no arithmetic"),
        ("{{ 9**9**7 }}", "no arithmetic"),
        ("{{ 'a' ~ 'b' }}", "no arithmetic"),
        ("{{ -caller.number }}", "no arithmetic"),
        ("{{ 'a' | center(200000000) }}", "no filter `center`"),
        ("{{ 'a' | attr('__class__') }}", "no filter `attr`"),
        ("{{ caller | bounded }}", "no filter `bounded`"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "by its name"),
        ("{% for a in [1, 2] %}{% endfor %}", "by its name"),
        ("{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}", "2 deep"),
        ("{% for a, b in x %}{% endfor %}", "takes one name"),
        ("{% for a in x recursive %}{% endfor %}", "recursive"),
        ("{{ ''.__class__.__mro__ }}", "start with an underscore"),
        ("{{ caller['__class__'] }}", "start with an underscore"),
        ("{{ caller['_x'] }}", "start with an underscore"),
        ("{{ _x }}", "start with an underscore"),
        ("{{ cycler.__init__ }}", "start with an underscore"),
        ("{{ self }}", "itself"),
        ("{{ self.title() }}", "called"),
        ("{{ lipsum() }}", "called"),
        ("{{ caller.keys() }}", "called"),
        ("{% include 'x' %}", "included"),
        ("{% import 'x' as x %}", "imported"),
        ("{% from 'x' import y %}", "imported"),
        ("{% extends 'x' %}", "extended"),
        ("{% macro m() %}{% endmacro %}", "macros"),
        ("{% call x() %}{% endcall %}", "macros"),
        ("{% block b %}{% endblock %}", "blocks"),
        ("{% set a = 1 %}", "set"),
        ("{% filter upper %}a{% endfilter %}", "filter"),
        ("{% with a = 1 %}{% endwith %}", "cannot be used here"),
        ("{% autoescape true %}{% endautoescape %}", "cannot be used here"),
        ("{{ caller.number[1:3] }}", "truncate"),
        ("{{ caller[call.id] }}", "fixed text"),
        ("{{ x is callable }}", "is callable"),
        ("{{ [caller.name] }}", "fixed texts"),
        ("{{ {'a': 1} }}", "cannot be used here"),
        ("{{ x | join(*y) }}", "one by one"),
        ("{{ c\u00e4ller }}", "plain letters"),
        ("{{ caller\u01c0name }}", "plain letters"),
        ("{{ unclosed", "never closed"),
        ("{% if x %}", "never ended"),
        ("{{" + "(" * 3000 + "1" + ")" * 3000 + "}}", "nested too deeply"),
        ("{{ " + "9" * 5000 + " }}", "number too long"),
        ("{% if a %}" * 300 + "{% endif %}" * 300, "nested too deeply"),
        ("x" * 8193, "8192 bytes"),
    ],
)
def test_what_could_escape_or_burn_is_refused_when_the_file_is_read(source, why):
    with pytest.raises(TemplateError, match=why):
        compile_template(source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ call.raw }}", "group of fields"),
        ("{{ thing }}", "only text, numbers"),
        ("{{ thing.secret }}", "has no value"),
        ("{{ caller.items }}", "has no value"),
        ("{% for x in many %}{% endfor %}", "more than 200"),
        ("{% for x in caller.number %}{% endfor %}", "is no list"),
        ("{{ long | replace('a', long) }}", "too long"),
        ("{{ million | replace('a', million) }}", "too long"),
        ("{{ million | upper | replace('A', 'bb') }}", "too long"),
        ("{{ many | join(long) }}", "too long"),
        ("{{ 'a' | replace('', 'b') }}", "look for"),
        ("{{ 'abc' | truncate(1) }}", "at least"),
        ("{{ caller.number > 5 }}", "cannot be used so"),
        ("{{ long }}", "longer than 4096"),
        ("{% for a in few %}{% for b in few %}{{ a }}{{ b }}{% endfor %}{% endfor %}", "longer than 4096"),
    ],
)
def test_what_only_shows_when_values_are_there_is_refused_then(source, why):
    class Thing:
        secret = "not to be seen"

    with pytest.raises(TemplateError, match=why):
        say(source, thing=Thing(), many=list(range(999)), few=["xx"] * 150, long="a" * 5000, million="a" * 10**6)


def test_the_cap_is_the_callers_to_choose_and_holds_for_plain_text_too():
    template = compile_template("{{ text }}")
    assert len(template.render({"text": "a" * 9000}, cap=9000)) == 9000
    with pytest.raises(TemplateError, match="longer than 8999"):
        template.render({"text": "a" * 9000}, cap=8999)
    with pytest.raises(TemplateError, match="longer than 3"):
        compile_template("plain").render({}, cap=3)


def test_a_callers_own_braces_are_text():
    assert say("{{ caller_name }}", caller_name="{{ 7*7 }}{% if %}") == "{{ 7*7 }}{% if %}"


@pytest.mark.parametrize(
    ("escaping", "source", "said"),
    [
        (HTML, "<b>{{ v }}</b> & {{ '<' }}", "<b>&lt;i&gt;&amp;&#x27;&quot;</b> & &lt;"),
        (URL_PART, "/a/{{ v }}?x={{ v }}&y=/", "/a/%3Ci%3E%26%27%22?x=%3Ci%3E%26%27%22&y=/"),
        (HEADER, "a\tb {{ v }}", "a\tb <i>&'\""),
        (PLAIN, "<b>{{ v }}", "<b><i>&'\""),
    ],
)
def test_values_are_escaped_for_their_field_and_the_owners_text_is_not(escaping, source, said):
    assert say(source, escaping, v="<i>&'\"") == said


def test_a_header_value_cannot_start_another_line():
    assert say("{{ v }}", HEADER, v="a\r\nSet-Cookie: b\0\x7f\x85\u2028") == "aSet-Cookie: b"


def test_urlencode_is_not_escaped_twice_and_escapes_in_plain_fields():
    for escaping in (PLAIN, URL_PART, HTML):
        assert say("/x?p={{ caller.number | urlencode }}", escaping) == "/x?p=%2B13125550101"
    assert say("{{ caller.number | urlencode | lower }}", URL_PART) == "%252b13125550101"


def test_a_value_cannot_climb_out_of_an_address():
    for value in (".", ".."):
        with pytest.raises(TemplateError, match="only dots"):
            say("/contacts/{{ v }}", URL_PART, v=value)
    assert say("/contacts/{{ v }}", URL_PART, v="../../admin") == "/contacts/..%2F..%2Fadmin"


@given(st.text(max_size=60))
@example("\ud800 lone")
def test_any_value_is_inert_everywhere(value):
    context = {"v": value}
    assert not set("<>\"'") & set(compile_template("{{ v }}", HTML).render(context))
    assert compile_template("{{ v }}", HEADER).render(context).isprintable() or value
    assert not set("\r\n\0") & set(compile_template("{{ v }}", HEADER).render(context))
    if value not in {".", ".."}:
        assert not set("/?#&=%") & set(compile_template("{{ v }}", URL_PART).render(context).replace("%", ""))
    compile_template("{{ v }}").render(context).encode()


def test_names_tell_what_a_template_needs():
    template = compile_template(
        "{{ caller.number }}{{ steps.crm.url | default(call.id) }}{% for t in caller.tags %}{{ t.x }}{% endfor %}"
    )
    assert template.names == {"caller.number", "steps.crm.url", "call.id", "caller.tags"}
    assert not template.constant
    assert compile_template("{% raw %}{{ x }}{% endraw %}").constant
    assert compile_template("plain").names == frozenset()


def test_a_complaint_about_a_name_points_at_it():
    def complain(name):
        return "did you mean caller.name?" if name == "caller.nmae" else None

    source = "caller.nmae: {{ caller.number }} {{ caller.nmae | upper }}"
    with pytest.raises(TemplateError, match="did you mean") as caught:
        compile_template(source, complain=complain)
    assert source[caught.value.column :].startswith("caller.nmae | upper")
    assert compile_template("{{ caller.number }}", complain=complain).names == {"caller.number"}


def test_mistakes_point_at_their_place():
    for source, at in (("ab {{ x }} {{ y | nope }}", "| nope"), ("a\n{{ x }}\n{% if %}", "{% if %}")):
        with pytest.raises(TemplateError) as caught:
            compile_template(source)
        assert source[caught.value.column :].startswith(at)


def test_filters_can_be_added_once_and_answer_none_for_nothing():
    def shout(value, sign="!"):
        if not isinstance(value, str):
            return "not text"
        return None if value == "hush" else f"{value}{sign}"

    register_filter("shout", shout)
    try:
        register_filter("shout", shout)
        with pytest.raises(ValueError, match="already"):
            register_filter("shout", str)
        assert say("{{ 'a' | shout }}{{ 'b' | shout('?') }}{{ 'hush' | shout | default('-') }}") == "a!b?-"
        with pytest.raises(Blank, match=r"v \| shout has no value"):
            say("{{ v | shout }}", v="hush")
        with pytest.raises(Blank, match=r"^v has no value$"):
            say("{{ v | shout }}", v=None)
    finally:
        del FILTERS["shout"]


def test_safe_text_passes_untouched_and_loses_that_when_it_is_changed():
    assert say("{{ v }}", HTML, v=Safe("<b>")) == "<b>"
    assert say("{{ v | upper }}", HTML, v=Safe("<b>")) == "&lt;B&gt;"


class Endpoint(Form):
    path: PathTemplate
    lookup: Annotated[PathTemplate, Names("contact")] | None = None


def test_a_path_is_read_from_text_and_written_as_text():
    endpoint = Endpoint.model_validate({"path": "/contacts/{{ found.id }}?phone={{ match | urlencode }}"})
    assert endpoint.path.render(found={"id": "a/b"}, match="+1") == "/contacts/a%2Fb?phone=%2B1"
    assert endpoint.model_dump()["path"] == endpoint.path.source
    assert Endpoint.model_validate({"path": endpoint.path}) == endpoint
    assert Endpoint.model_json_schema()["properties"]["path"]["type"] == "string"
    with pytest.raises(Blank, match=r"found\.id has no value"):
        endpoint.path.render(found={}, match="x")


def test_a_path_uses_only_the_names_it_is_given():
    with pytest.raises(ValidationError, match=r"caller\.number is not known here.*match and found"):
        Endpoint.model_validate({"path": "/{{ caller.number }}"})
    with pytest.raises(ValidationError, match="may use contact"):
        Endpoint.model_validate({"path": "/", "lookup": "/{{ found.id }}"})
    assert (
        Endpoint.model_validate({"path": "/", "lookup": "/{{ contact.id }}"}).lookup.render(contact={"id": 1}) == "/1"
    )
    with pytest.raises(ValidationError, match="written as text"):
        Endpoint.model_validate({"path": 5})


def test_a_typical_text_is_rendered_in_well_under_a_millisecond():
    template = compile_template(
        "{{ business.name }}: sorry we missed you, {{ caller.name | default('there') }}. Call {{ caller.number }}."
    )
    assert (
        min(timeit.repeat(lambda: template.render(WORLD), timer=time.process_time, number=200, repeat=5)) / 200 < 200e-6
    )
