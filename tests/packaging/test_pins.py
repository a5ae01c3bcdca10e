"""constraints.txt: what it names can be installed on every Python that is promised."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def pinned():
    """Name → version, as pip compares names."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines if "==" in line)}


def test_nothing_is_pinned_that_the_oldest_python_promised_cannot_have():
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = re.fullmatch(r">=(\d+\.\d+)", promised)[1] + ".0"
    demands = {canonicalize_name(dist.name): dist.metadata["Requires-Python"] or "" for dist in distributions()}
    known = demands.keys() & pinned().keys()
    assert len(known) > 90
    assert {name: demands[name] for name in known if not SpecifierSet(demands[name]).contains(oldest)} == {}
