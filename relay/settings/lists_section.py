"""The section `lists`: files with one entry a line, and what follows a # left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.forms import keys_of

if TYPE_CHECKING:
    from relay.settings.yaml_file import Document

_LIKE_A_NUMBER = re.compile(r"\+?(?:[^\w+]*\d){7,}[^\w+]*")


def read_lists(document: Document, section: Any) -> dict[str, frozenset[str]]:
    """The entries of each list by its name; telephone numbers as E.164."""
    found: dict[str, frozenset[str]] = {}
    for name, file in keys_of(section, ("lists",), document.complain, "lists").items():
        try:
            lines = (document.path.parent / str(file)).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            document.complain(("lists", name), f"the list {file} cannot be read: {why}")
            lines = []
        entries = [line.partition("#")[0].strip() for line in lines]
        for line, entry in enumerate(entries, 1):
            if is_no_number(entry):
                document.warn(
                    ("lists", name), f"line {line} of {file}: `{entry}` is no telephone number, and fits nobody"
                )
        found[name] = frozenset(phone.normalise(entry) or entry for entry in entries if entry)
    return found


def is_no_number(entry: str) -> bool:
    """Whether it is written like a telephone number and is none."""
    return _LIKE_A_NUMBER.fullmatch(entry) is not None and phone.normalise(entry) is None
