"""Bodies drawn by the owner: values as they are, blanks left out, a group put beside what is written."""

import pytest
from pydantic import TypeAdapter, ValidationError

from relay.errors import TemplateError
from relay.templates import Shape

VALUES = {"found": {"id": 7}, "fields": {"name": "Ann", "city": "", "tags": ["a"], "first": "A"}, "n": 2.5}


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("{{ found.id }}", 7),
        ("no. {{ found.id }}", "no. 7"),
        ("{{ true }}", True),
        ("{{ -5 }}", -5),
        ("true", "true"),
        ("{{ fields.tags }}", ["a"]),
        ("{{ n | times(1000) | int }}", "2500"),
        ({"a": "{{ nothing }}", "b": "{{ nothing }} there", "c": "x"}, {"c": "x"}),
        ({"a": {"b": ["{{ nothing }}"]}}, None),
        ({"*": "{{ fields }}"}, {"name": "Ann", "tags": ["a"], "first": "A"}),
        ({"*": "{{ fields }}", "who": "{{ fields.name }}"}, {"tags": ["a"], "first": "A", "who": "Ann"}),
        ({"*": "{{ fields }}", "first": "B"}, {"name": "Ann", "tags": ["a"], "first": "B"}),
        ({"*": "{{ fields }}", "first": "{{ nothing }}"}, {"name": "Ann", "tags": ["a"], "first": "A"}),
        ({"*": "{{ nothing }}", "a": "b"}, {"a": "b"}),
        ("{{ 'a<b' | escape }}", "a&lt;b"),
    ],
)
def test_what_is_filled_in(written, filled):
    assert Shape(written).fill(VALUES) == filled


def test_a_value_is_never_read_as_a_template():
    assert Shape({"a": "{{ fields.name }}"}).fill({"fields": {"name": "{{ 7 * 7 }}"}}) == {"a": "{{ 7 * 7 }}"}


@pytest.mark.parametrize("written", [{"*": "{{ a }}b"}, {"*": {"a": "b"}}, {"a": "{{ 7 * 7 }}"}, {"a": ["{{ f() }}"]}])
def test_what_cannot_be_filled_is_refused_when_it_is_read(written):
    with pytest.raises(TemplateError):
        Shape(written)
    with pytest.raises(ValidationError):
        TypeAdapter(Shape).validate_python(written)


def test_a_number_that_is_none_cannot_be_multiplied():
    with pytest.raises(TemplateError, match="'Ann' is no number"):
        Shape("{{ fields.name | times(2) }}").fill(VALUES)
