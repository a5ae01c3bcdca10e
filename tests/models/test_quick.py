import pickle
from dataclasses import dataclass, field, fields, replace

import pytest

from relay.models import quick


@quick
@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0
    names: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False)


def test_it_is_made_compared_and_copied_as_any_dataclass():
    assert Point(1) == Point(1, 0, [], note="not compared") != Point(2)
    assert replace(Point(1, 2), x=5) == Point(5, 2)
    assert [each.name for each in fields(Point)] == ["x", "y", "names", "note"]
    assert repr(Point(1)) == "Point(x=1, y=0, names=[], note='')"


def test_no_two_share_what_a_factory_made():
    assert Point(1).names is not Point(1).names


def test_what_is_missing_or_unknown_is_refused():
    with pytest.raises(TypeError):
        Point()
    with pytest.raises(TypeError):
        Point(1, z=2)


@quick
@dataclass(frozen=True, slots=True)
class Alone:
    said: str


def test_it_is_carried_to_another_process_as_any_dataclass():
    for value in (Point(1, 2, ["a"], "not compared, and carried"), Alone("a")):
        carried = pickle.loads(pickle.dumps(value))  # noqa: S301 - what was just made
        assert carried == value
        assert repr(carried) == repr(value)


def test_it_can_be_a_key_where_its_fields_can():
    @quick
    @dataclass(frozen=True, slots=True)
    class Name:
        said: str

    assert {Name("a"): 1}[Name("a")] == 1
