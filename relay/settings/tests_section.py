"""The section `tests`: the file's own scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.forms import read_form
from relay.settings.forms import ScenarioForm
from relay.settings.given import mistakes_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.settings.yaml_file import Document


def read_tests(
    document: Document, section: Any, rules: Collection[str], connectors: Collection[str]
) -> tuple[ScenarioForm, ...]:
    """The scenarios; they may speak of these rules and connectors, by name."""
    section = section or []
    if not isinstance(section, list):
        document.complain(("tests",), "tests is a list of scenarios, each with a name, given and expect")
        return ()
    found = []
    for index, entry in enumerate(section):
        place = ("tests", index)
        mistakes_in(entry, place, document.complain, rules, connectors)
        found.append(read_form(ScenarioForm, entry, place, document.complain))
    return tuple(scenario for scenario in found if scenario is not None)
