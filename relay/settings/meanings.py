"""What each key of a form means, so that editors and the reference page say it: its docstring, or a line of our own."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from relay.models import Form
from relay.settings.said_of_keys import SAID

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def meanings(form: type[Form]) -> dict[str, str]:
    """The meaning of each field as one line, by its key in relay.yaml; a field without a docstring is left out."""
    said: dict[str, str] = {}
    keys = {name: field.alias or name for name, field in form.model_fields.items()}
    for cls in reversed(form.__mro__):
        if cls.__module__.partition(".")[0] in {"pydantic", "builtins"}:
            continue
        try:
            source = textwrap.dedent(inspect.getsource(cls))
        except (OSError, TypeError):  # a class made at run time has no source
            continue
        body = ast.parse(source).body[0]
        if isinstance(body, ast.ClassDef):
            said |= {keys[name]: text for name, text in _docstrings(body).items() if name in keys}
        said |= SAID.get(cls.__name__, {})
    return {key: said[key] for key in keys.values() if key in said}


def inner_forms(form: type[Form]) -> Iterator[type[Form]]:
    """The forms that stand in a form's fields, each once, those within them included."""
    seen: set[type[Form]] = {form}

    def within(kind: Any) -> Iterator[type[Form]]:
        if isinstance(kind, type) and issubclass(kind, Form):
            if kind not in seen:
                seen.add(kind)
                yield kind
                yield from of(kind)
            return
        for part in get_args(kind):
            yield from within(part)

    def of(one: type[Form]) -> Iterator[type[Form]]:
        for field in one.model_fields.values():
            yield from within(field.annotation)

    yield from of(form)


def _docstrings(body: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            found[field.target.id] = " ".join(text.value.value.split())
    return found
