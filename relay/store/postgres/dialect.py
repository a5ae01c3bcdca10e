"""From the ledger's dialect to PostgreSQL's: `?`, `?1` and `:name` become `$1`; advice to SQLite is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from relay.store.drawing import draw, names_of_all

if TYPE_CHECKING:
    from relay.store.sql.connection import Values

_WORDS = re.compile(r"'(?:[^']|'')*'|\?(?P<place>\d*)|(?<!:):(?P<name>[a-z_]+)|\s+indexed by \w+")
_SAVES = re.compile(r"update (?P<table>\w+) set (?P<changes>.+) where (?P<which>\w+ = \?(?: and \w+ = \?)*)")
_TYPES = {"TEXT": "text", "INTEGER": "bigint", "REAL": "float8", "BLOB": "bytea"}
_FINDS = re.compile(r"\A\s*(select|with|values)\b|\breturning\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spelled:
    """A statement as PostgreSQL reads it."""

    text: str
    names: tuple[str, ...]
    """The names of its values in their order; none where they come in order."""
    finds: bool
    """Whether it answers with rows."""

    def values(self, given: Values) -> tuple[Any, ...]:
        """Its values in their order."""
        if isinstance(given, Mapping):
            return tuple(given[name] for name in self.names)
        return tuple(given)


@lru_cache(1024)
def spelled(sql: str) -> Spelled:
    """A statement of the ledger, spelled for PostgreSQL."""
    names: list[str] = []
    places = 0

    def word(found: re.Match[str]) -> str:
        nonlocal places
        if found["name"] is not None:
            if found["name"] not in names:
                names.append(found["name"])
            return f"${names.index(found['name']) + 1}"
        if found["place"] is None:
            return found[0] if found[0].startswith("'") else ""
        places += 1
        return f"${found['place'] or places}"

    text = _WORDS.sub(word, sql)
    return Spelled(text, tuple(names), _FINDS.search(text) is not None)


@lru_cache(256)
def at_once(sql: str) -> str | None:
    """The same update for many rows as one statement, which takes each value as a list; None where it is no such.

    Triggers that count rows then run once, not for every row.
    """
    read = _SAVES.fullmatch(sql)
    if read is None:
        return None
    types = {column.name: _TYPES[column.type] for column in draw(names_of_all()).tables[read["table"]].columns}
    names: list[str] = []

    def value(found: re.Match[str]) -> str:
        names.append(found["column"])
        return f"{found['column']} = said.v{len(names)}"

    changes = re.sub(r"(?P<column>\w+) = \?", value, read["changes"])
    which = re.sub(r"(?P<column>\w+) = \?", lambda found: f"it.{value(found)}", read["which"])
    if "?" in changes:
        return None
    lists = ", ".join(f"${place}::{types[name]}[]" for place, name in enumerate(names, 1))
    values = ", ".join(f"v{place}" for place in range(1, len(names) + 1))
    return (
        f"update {read['table']} as it set {changes} from unnest({lists}) as said ({values}) where {which} returning 1"  # noqa: S608 - the ledger's own statements
    )
