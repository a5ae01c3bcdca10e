"""The section `sources`: the doors, and how a sender proves itself at each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from relay.forms import keys_of, read_form, unknown
from relay.intake import MAPPABLE, Source
from relay.settings.forms import SourceForm

if TYPE_CHECKING:
    from relay.settings.yaml_file import Document

_NAME = re.compile(r"[\w.~-]+")


def read_sources(document: Document, section: Any, *, has_key: bool) -> dict[str, Source]:
    """The sources by name; calls are confirmed only where there is a key (`has_key`)."""
    found: dict[str, Source] = {}
    for name, written in keys_of(section, ("sources",), document.complain, "sources").items():
        if not _NAME.fullmatch(name):
            document.complain(
                ("sources", name),
                f"`{name}` is a part of an address, /hooks/{name}: write it with letters, digits, dots, - and _ alone",
            )
        form = read_form(SourceForm, written, ("sources", name), document.complain)
        if form is None:
            continue
        _consider_map(document, form, name)
        if form.confirm and not has_key:
            document.complain(
                ("sources", name, "confirm"),
                "calls are confirmed through the CallScaler API: set CALLSCALER_API_KEY",
            )
        proof = form.proof.proof()
        for warning in proof.warnings:
            document.warn(("sources", name, "proof"), warning)
        found[name] = Source(name, form.type, proof, form.map, form.confirm)
    return found


def _consider_map(document: Document, form: SourceForm, source: str) -> None:
    place = ("sources", source, "map")
    if form.map and form.type != "json":
        document.complain(place, f"`map` belongs to sources of type json; {form.type} bodies are read as they are")
    for name in form.map:
        if name not in MAPPABLE:
            document.complain((*place, name), unknown(name, MAPPABLE, "field"))
