"""constraints.txt: what it names can be installed on every Python that is promised."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def pins(python):
    """Name → version, as pip takes them under that Python."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    told = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    pinned = [Requirement(line) for line in lines if not line.startswith("#")]
    taken = [pin for pin in pinned if pin.marker is None or pin.marker.evaluate(told)]
    assert len({canonicalize_name(pin.name) for pin in pinned}) == len(taken), "one line for each name"
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in taken}


def test_nothing_is_pinned_that_the_oldest_python_promised_cannot_have():
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = re.fullmatch(r">=(\d+\.\d+)", promised)[1] + ".0"
    here = {canonicalize_name(dist.name): dist for dist in distributions()}
    same = {name for name, version in pins(oldest).items() if name in here and here[name].version == version}
    assert len(same) > 90
    demands = {name: here[name].metadata["Requires-Python"] or "" for name in same}
    assert {name: asked for name, asked in demands.items() if not SpecifierSet(asked).contains(oldest)} == {}


def test_every_newer_python_has_one_version_of_everything_too():
    assert pins("3.11.3").keys() == pins("3.11.0").keys() == pins("3.14.0").keys()
