"""The section `rules`: each rule read, and considered in its surroundings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.models import CALLSCALER
from relay.rules import read_rule, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.forms import Path as Place
    from relay.intake import Source
    from relay.rules import Rule, Surroundings
    from relay.settings.yaml_file import Document


def read_rules(
    document: Document,
    written: Any,
    section: Any,
    around: Surroundings,
    *,
    staff: frozenset[str],
    has_key: bool,
    sources: Mapping[str, Source],
) -> tuple[tuple[Rule, ...], dict[str, tuple[str, str]]]:
    """The rules, and version → (name, the rule as JSON, as it is `written`: its variables not yet filled in)."""
    if section is not None and not isinstance(section, list):
        document.complain(("rules",), "rules is a list of rules, each with a name")
        return (), {}
    rules: list[Rule] = []
    versions: dict[str, tuple[str, str]] = {}
    names: set[str] = set()
    for index, entry in enumerate(section or ()):
        place = ("rules", index)
        version = version_of(written[index])
        rule = read_rule(entry, place, document.complain, around, staff=staff, version=version)
        if rule is None:
            continue
        if rule.name in names:
            document.complain((*place, "name"), f"another rule is already called {rule.name}")
        names.add(rule.name)
        _consider(document, rule, place, sources, has_key=has_key)
        rules.append(rule)
        versions[version] = (rule.name, json.dumps(written[index], ensure_ascii=False))
    return tuple(rules), versions


def _consider(document: Document, rule: Rule, place: Place, sources: Mapping[str, Source], *, has_key: bool) -> None:
    """What is wrong or odd about a rule in its surroundings."""
    calls_back = [step for step in rule.acting if step.connector == CALLSCALER]
    if calls_back and rule.mode == "live" and not has_key:
        document.complain(
            (*place, "then"),
            f"{calls_back[0].verb} needs the CallScaler API: set CALLSCALER_API_KEY, or mode: shadow until then",
        )
    unproved = [source.name for source in sources.values() if source.proof.scheme == "none"] if rule.texts else []
    for name in unproved:
        document.complain((*place, "then"), f"a rule that texts cannot trust the source {name}, whose proof is none")
    if rule.ticks:
        document.warn(
            (*place, "when"),
            f"{rule.name}: times are read, but the clock is not built yet: it does not run by time",
        )
