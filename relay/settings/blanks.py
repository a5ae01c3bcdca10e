"""Blanks: `$(name)` in a recipe or a preset, filled in by name from relay.yaml, in values only and as text.

What is put in is not looked through for further blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field as Key

from relay.forms import Complain, unknown
from relay.models import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.forms import Path as Place
    from relay.settings.yaml_file import Document

BLANK = re.compile(r"\$\(([^()]*)\)")
_INPUT = re.compile(r"[a-z][a-z0-9_]{0,31}")


class InputForm(Form):
    """One blank of a recipe; without a default it must be filled in."""

    about: str = Key(min_length=1)
    default: str | None = None
    example: str | None = None
    """What stands in the documentation and in the recipe's own tests, where there is no default."""


def input_problems(
    what: str, known: Mapping[str, InputForm], given: Mapping[str, Any]
) -> Iterator[tuple[str | None, str]]:
    """What is unknown or missing among these inputs: the input that is there, None for none, and the complaint."""
    for name in given:
        if name not in known:
            yield name, unknown(name, known, "input") if known else f"`{name}`: {what} takes no inputs"
    for name, form in known.items():
        if name not in given and form.default is None:
            yield None, f"{what} needs the input `{name}`: {form.about}"


def check_inputs(document: Document, section: str, known: Mapping[str, InputForm]) -> None:
    """Tell of blanks in a section of this file that have no input, and of inputs that are put in nowhere."""
    for name in known:
        if not _INPUT.fullmatch(name):
            document.complain(("inputs", name), f"`{name}` is no input's name; write small letters, digits and _")
    used = set(_blanks(document.tree[section], (section,), known, document.complain))
    for name in known:
        if name not in used:
            document.complain(("inputs", name), f"`{name}` is put in nowhere; write $({name}), or remove it")


def _blanks(value: Any, place: Place, known: Mapping[str, Any], complain: Complain) -> Iterator[str]:
    """Every blank, in the order of the file; what cannot be one is told."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if "$(" in key:
                complain((*place, key), f"`{key}`: inputs are put into values, not into keys")
            yield from _blanks(inner, (*place, key), known, complain)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _blanks(inner, (*place, index), known, complain)
    elif isinstance(value, str):
        yield from BLANK.findall(value)
        for message in _odd(value, known):
            complain(place, message)


def _odd(text: str, known: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the blanks of a text."""
    # These files know no environment: what stands beside the blanks stays as it is when variables are filled in.
    if "${" in text or "$$" in text:
        yield "no variables are read here; make it an input, and write ${NAME} where this is used"
    if "$(" in BLANK.sub("", text):
        yield "this blank has no end; write $(name)"
    for name in BLANK.findall(text):
        if name not in known:
            yield unknown(name, known, "input")


def fill(value: Any, inputs: Mapping[str, str]) -> Any:
    """The same structure with the blanks of its texts filled in."""
    if isinstance(value, dict):
        return {key: fill(inner, inputs) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, inputs) for inner in value]
    return BLANK.sub(lambda match: inputs[match[1]], value) if isinstance(value, str) else value
