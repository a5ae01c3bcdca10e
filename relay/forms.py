"""Reading what people wrote into forms: every mistake told with its place, in words that say what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from relay.models import Form

if TYPE_CHECKING:
    from pathlib import PurePath

F = TypeVar("F", bound=Form)
Path = tuple[str | int, ...]
"""Where something stands in the file: keys and list positions from the top."""
Complain = Callable[[Path, str], None]
"""Takes the place in the file and what is wrong there."""

_SAYINGS = {
    "missing": "`{key}` is missing here",
    "string_type": "this should be text",
    "list_type": "this should be a list: [one, another]",
    "dict_type": "this should be a mapping of names to values",
    "model_type": "this should be a mapping of names to values",
    "mapping_type": "this should be a mapping of names to values",
    "int_parsing": "this should be a whole number",
    "float_parsing": "this should be a number",
    "bool_parsing": "this should be true or false",
}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a misspelt one probably means."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def unknown(word: str, known: Iterable[str], what: str = "key") -> str:
    """The complaint about a word that is not known: with the nearest one, or all of them."""
    known = list(known)
    near = nearest(word, known)
    hint = f"did you mean `{near}`?" if near else f"known here: {', '.join(sorted(known))}"
    return f"`{word}` is no known {what}; {hint}"


def read_form(
    form: type[F], written: Any, path: Path, complain: Complain, *, folder: PurePath | None = None
) -> F | None:
    """The form filled in, or None after every mistake was told to `complain`; relative paths are those of `folder`."""
    if written is None:
        written = {}
    try:
        return form.model_validate(written, context={"folder": folder})
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            complain((*path, *_place(problem["loc"])), _say(form, problem))
        return None


def _place(loc: tuple[str | int, ...]) -> Path:
    """Pydantic's place without the names it gives to the branches of a union."""
    return tuple(part for part in loc if not (isinstance(part, str) and ("[" in part or "(" in part)))


def _say(form: type[Form], problem: Any) -> str:
    kind, loc = problem["type"], problem["loc"]
    key = str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        return unknown(key, _keys(_inner(form, loc[:-1])))
    if kind in {"literal_error", "enum"}:
        expected = problem["ctx"]["expected"]
        near = nearest(str(problem["input"]), re.findall(r"'([^']*)'", expected))
        return f"this should be one of {expected}" + (f"; did you mean `{near}`?" if near else "")
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    if kind in _SAYINGS:
        return _SAYINGS[kind].format(key=key)
    message: str = problem["msg"]
    return message[0].lower() + message[1:]


def _keys(form: type[BaseModel] | None) -> list[str]:
    if form is None:
        return []
    return [field.alias or name for name, field in form.model_fields.items()]


def _inner(form: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The form that stands at a place within another."""
    current: type[BaseModel] | None = form
    for part in loc:
        if current is None or isinstance(part, int):
            continue
        field = next((f for n, f in current.model_fields.items() if part in (n, f.alias)), None)
        if field is not None:
            current = _model_in(field.annotation)
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None


def keys_of(written: Any, path: Path, complain: Complain, what: str) -> Mapping[str, Any]:
    """A mapping, or an empty one after a complaint."""
    if written is None:
        return {}
    if isinstance(written, Mapping):
        return written
    complain(path, f"{what} is a mapping of names to values")
    return {}
