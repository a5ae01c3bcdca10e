"""Rules as a test writes them, in the YAML of the contract."""

from __future__ import annotations

from typing import Any

import yaml

from connectors.callscaler import PhoneStep
from relay.connector import Form
from relay.models import CALLSCALER
from relay.rules import Rule, Surroundings, read_rule


class Note(Form):
    message: str


AROUND = Surroundings({"team": Note, "log": Note, "crm": Note, CALLSCALER: PhoneStep})
STAFF = "+13125550199"


def mistakes_in(text: str) -> list[tuple[tuple[Any, ...], str]]:
    found: list[tuple[tuple[Any, ...], str]] = []
    rule = read_rule(yaml.load(text, yaml.BaseLoader), (), lambda place, said: found.append((place, said)), AROUND)  # noqa: S506 - every value as text, like relay.yaml
    assert (rule is None) is bool(found)
    return found


def rule(text: str, **others: Any) -> Rule:
    written = {"name": "R", "when": ["call.missed"], **yaml.load(text, yaml.BaseLoader), **others}  # noqa: S506 - as above
    found: list[str] = []
    read = read_rule(
        written, (), lambda place, said: found.append(f"{place}: {said}"), AROUND, staff=frozenset({STAFF})
    )
    assert read is not None, found
    return read
