"""The section `spam`: a scorecard that says how likely a call is spam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.forms import read_form, unknown
from relay.rules import NO_CARD, Scorecard, fields_in, read_condition
from relay.settings.forms import SpamForm

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from relay.forms import Path as Place
    from relay.rules import Condition
    from relay.settings.yaml_file import Document


def read_spam(document: Document, section: Any, lists: Mapping[str, Collection[str]]) -> Scorecard:
    """The scorecard; the empty one where there is none, or it cannot be read."""
    if section is None:
        return NO_CARD
    form = read_form(SpamForm, section, ("spam",), document.complain)
    lines = section.get("score") if isinstance(section, dict) else None
    conditions = [
        _line(document, line["if"], ("spam", "score", index, "if"), lists)
        for index, line in enumerate(lines if isinstance(lines, list) else ())
        if isinstance(line, dict) and "if" in line
    ]
    if form is None:
        return NO_CARD
    if form.welcome is not None and form.welcome not in lists:
        document.complain(("spam", "welcome"), unknown(form.welcome, lists, "list"))
    welcome = frozenset(lists.get(form.welcome or "", ()))
    adds = [line.add for line in form.score]
    return Scorecard(tuple(zip(conditions, adds, strict=True)), form.likely_from, form.certain_from, welcome)


def _line(document: Document, written: Any, place: Place, lists: Mapping[str, Collection[str]]) -> Condition:
    condition = read_condition(written, place, document.complain, lists)
    if any(name.startswith("call.spam") for name in fields_in(condition)):
        document.complain(place, "the scorecard decides about call.spam, so its own lines cannot ask for it")
    return condition
