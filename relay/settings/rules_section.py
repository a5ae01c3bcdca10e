"""The section `rules`: each rule read, and considered in its surroundings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.models import CALLSCALER
from relay.rules import Opening, read_rule, version_of
from relay.rules.messages import complaints
from relay.rules.never import never
from relay.settings.recipes import entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.hours import Business
    from relay.intake import Source
    from relay.rules import Rule, Surroundings
    from relay.rules.messages import House
    from relay.settings.recipes import Entry
    from relay.settings.yaml_file import Document


def read_rules(
    document: Document,
    written: Any,
    section: Any,
    around: Surroundings,
    *,
    staff: frozenset[str],
    house: House,
    hours: Business,
    has_key: bool,
    sources: Mapping[str, Source],
) -> tuple[tuple[Rule, ...], dict[str, tuple[str, str]]]:
    """The rules, and version → (name, the rule as JSON, as it is `written`: its variables not yet filled in).

    A recipe is written out there, so that what it once said is known without its file.
    """
    if section is not None and not isinstance(section, list):
        document.complain(("rules",), "rules is a list of rules, each with a name")
        return (), {}
    rules: list[Rule] = []
    versions: dict[str, tuple[str, str]] = {}
    names: set[str] = set()
    for entry in entries(document, written or (), section or ()):
        version = version_of(entry.written)
        rule = read_rule(entry.filled, entry.place, entry.complain, around, staff=staff, version=version)
        if rule is None:
            continue
        if rule.name in names:
            entry.complain((*entry.place, "name"), f"another rule is already called {rule.name}")
        names.add(rule.name)
        _consider(entry, rule, sources, has_key=has_key)
        _warn_of_strangers(entry, rule, staff)
        _warn_of_no_opening(entry, rule, hours)
        for name, message in never(rule):
            entry.warn((*entry.place, "if", name), message)
        for complaint in complaints(rule, entry.place, house):
            tell = entry.complain if complaint.is_mistake else entry.warn
            tell(complaint.path, complaint.message)
        rules.append(rule)
        versions[version] = (rule.name, json.dumps(entry.written, ensure_ascii=False))
    return tuple(rules), versions


def _consider(entry: Entry, rule: Rule, sources: Mapping[str, Source], *, has_key: bool) -> None:
    """What is wrong or odd about a rule in its surroundings."""
    calls_back = [step for step in rule.acting if step.connector == CALLSCALER]
    if calls_back and rule.mode == "live" and not has_key:
        entry.complain(
            (*entry.place, "then"),
            f"{calls_back[0].verb} needs the CallScaler API: set CALLSCALER_API_KEY, or mode: shadow until then",
        )
    open_doors = [source for source in sources.values() if source.proof.scheme == "none" and not source.confirm]
    for source in open_doors if rule.texts else ():
        entry.complain(
            (*entry.place, "then"),
            f"a rule that texts cannot trust the source {source.name}, whose proof is none; give it a proof, or "
            "confirm: true",
        )


def _warn_of_strangers(entry: Entry, rule: Rule, staff: frozenset[str]) -> None:
    """A text to somebody who did not just call is no answer, so the law asks for their consent."""
    for step in rule.acting:
        if step.verb == "text" and step.recipient not in {"caller", *staff}:
            message = (
                f"{step.recipient} did not just call: texting them is yours to answer for, with their consent; "
                "one of your own people belongs under business: staff"
            )
            entry.warn((*entry.place, "then", step.index, "text"), message)


def _warn_of_no_opening(entry: Entry, rule: Rule, hours: Business) -> None:
    """A business without hours neither opens nor closes."""
    if not hours.is_always_open:
        return
    if rule.hours != "ignore":
        entry.warn(
            (*entry.place, "guards", "hours"),
            f"the business has no hours, so it is always open, and `hours: {rule.hours}` changes nothing; write "
            "business: hours",
        )
    if any(isinstance(tick, Opening) for tick in rule.ticks):
        entry.warn(
            (*entry.place, "when"),
            "the business has no hours, so it neither opens nor closes: this time never comes; write business: hours",
        )
