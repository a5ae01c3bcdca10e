"""Secrets that stand in the file itself: warned about, and refused where others can read the file."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from relay.settings.names import DEFAULT_SOURCES
from relay.settings.yaml_file import read_document, readable_by_others

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from relay.forms import Path as Place
    from relay.settings.yaml_file import Document

_NAMED = re.compile(r"\$\{(?:file:)?[^}:]+\}")
"""Names a secret, and does not tell it."""
_WHENCE = re.compile(r"\$\{(file:[^}]+|[A-Za-z_][A-Za-z0-9_]*)")
_DOTS = "••••••"
_WORD = 6
"""Letters from which on a piece of a secret is looked for in the lines below it."""
_ADVICE = "a secret stands in the file; put it into the environment and write ${NAME} here"
_REFUSED = f"{_ADVICE}. The file can be read by others on this machine (chmod 600), so it is refused"


def judge_secrets(
    document: Document, tree: Any, forms: Iterable[tuple[Place, Any]], spots: Iterable[Place] = ()
) -> None:
    """Tell of every secret that is written out where the file says it; the secret itself is never told.

    Looked at are the secrets in the forms, and those that stand at `spots`.
    """
    open_to_others = readable_by_others(document.path)
    for spot in [*spots, *(spot for place, form in forms for spot in _places(form, place))]:
        if not _stands_in(document, tree, spot):
            continue
        if open_to_others:
            document.complain(spot, _REFUSED)
        else:
            document.warn(spot, _ADVICE)


def _stands_in(document: Document, tree: Any, spot: Place) -> bool:
    text = tree
    for part in spot:
        text = text.get(part) if isinstance(text, dict) else None
    if not text or spot in document.expanded or _is_loopback(str(text)):
        return False
    return document.knows(spot)


def _places(form: Any, place: Place) -> list[Place]:
    if not isinstance(form, BaseModel):
        return []
    found: list[Place] = []
    for name, field in type(form).model_fields.items():
        value, spot = getattr(form, name), (*place, field.alias or name)
        if isinstance(value, SecretStr):
            found.append(spot)
        elif isinstance(value, BaseModel):
            found.extend(_places(value, spot))
        elif isinstance(value, dict):
            found.extend((*spot, key) for key, inner in value.items() if isinstance(inner, SecretStr))
    return found


def _is_loopback(text: str) -> bool:
    """An address on this machine is no secret, whatever its path: a stand-in's webhook."""
    try:
        return ipaddress.ip_address(urlsplit(text).hostname or "").is_loopback
    except ValueError:
        return False


def names_of_secrets(path: Path) -> dict[str, str]:
    """Source → the variable (NAME) or file (file:PATH) whose content a sender shows there, where one is named.

    Raises:
        ConfigError: the file cannot be read.
    """
    sources = read_document(path).tree.get("sources") or DEFAULT_SOURCES
    found = {}
    for source, form in sources.items():
        proof = form.get("proof") if isinstance(form, dict) else None
        written = [value for key, value in proof.items() if key != "previous"] if isinstance(proof, dict) else []
        names = [match[1] for value in written if isinstance(value, str) and (match := _WHENCE.match(value))]
        if names:
            found[source] = names[0]
    return found


def without_secrets(document: Document, forms: Iterable[tuple[Place, Any]], spots: Iterable[Place] = ()) -> str:
    """The file as it is written, with dots where a secret stands; `${NAME}` stays, its default does not."""
    lines = document.text.split("\n")
    for spot in [*spots, *(spot for place, form in forms for spot in _places(form, place))]:
        written: Any = document.tree
        for part in spot:
            written = written.get(part) if isinstance(written, dict) else None
        if not document.knows(spot) or not isinstance(written, str) or _NAMED.fullmatch(written):
            continue
        line, column = document.position(spot)
        if written in lines[line - 1]:
            lines = [one.replace(written, _DOTS) for one in lines]
        else:
            # Written over several lines, or with escapes: cut where it begins, and whatever line holds a piece of it.
            lines[line - 1] = lines[line - 1][: column - 1] + _DOTS
            words = [word for word in written.split() if len(word) >= _WORD]
            lines = [_DOTS if any(word in one for word in words) else one for one in lines]
    return "\n".join(lines)
