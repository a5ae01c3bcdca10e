"""The fields of a step as templates: compiled with the escaping that each field's type names, filled in when due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from relay.errors import TemplateError
from relay.forms import unknown
from relay.rules.fields import complaint
from relay.templates import PLAIN, Escaping, Template, compile_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from relay.forms import Complain, Path
    from relay.models import Form

BODY_CAP = 64 * 1024
"""Characters of one filled-in field."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What a step says, with its blanks: templates inside plain structures."""

    parts: Mapping[str, Any]

    @property
    def templates(self) -> Iterator[Template]:
        """Every template within."""
        return _templates(self.parts)

    @property
    def names(self) -> frozenset[str]:
        """Every name that the templates use."""
        return frozenset(name for template in self.templates for name in template.names)

    def fill(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """The step's fields with the values put in.

        Raises:
            Blank: a value is missing and the template names no default.
            TemplateError: the result grew beyond its cap.
        """
        filled: dict[str, Any] = _fill(self.parts, context)
        return filled


def read_filling(
    form: type[Form], written: Mapping[str, Any], path: Path, complain: Complain, step_ids: tuple[str, ...] = ()
) -> Filling:
    """The fields of a step, checked against the form that its connector fills in with them."""
    fields = {field.alias or name: field for name, field in form.model_fields.items()}
    told: list[bool] = []

    def tell(place: Path, message: str) -> None:
        told.append(True)
        complain(place, message)

    def known(name: str) -> str | None:
        return complaint(name, step_ids=step_ids)

    parts: dict[str, Any] = {}
    for key, value in written.items():
        field = fields.get(key)
        if field is None:
            tell((*path, key), unknown(key, fields))
            continue
        parts[key] = _compile(value, _escaping(field.metadata), field.annotation, (*path, key), tell, known)
    for key, field in fields.items():
        if field.is_required() and key not in written:
            tell(path, f"`{key}` is missing here")
    filling = Filling(parts)
    if not told and all(template.constant for template in filling.templates):
        _try(form, filling, path, complain)
    return filling


def _try(form: type[Form], filling: Filling, path: Path, complain: Complain) -> None:
    """A step without blanks can be read now; its mistakes need not wait for the first event."""
    try:
        form.model_validate(filling.fill({}))
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            complain((*path, *problem["loc"]), problem["msg"].removeprefix("Value error, "))


def _compile(
    value: Any,
    escaping: Escaping,
    annotation: Any,
    path: Path,
    complain: Complain,
    known: Callable[[str], str | None],
) -> Any:
    if isinstance(value, dict):
        inner = _form_in(annotation)
        chosen = escaping.choose(value) if escaping.choose is not None else escaping
        compiled = {}
        for key, part in value.items():
            field = None if inner is None else inner.model_fields.get(key)
            own = chosen if field is None else _escaping(field.metadata)
            # What `choose` says holds for the strings right in this mapping; a deeper mapping is asked about anew.
            passed = escaping if escaping.choose is not None and not isinstance(part, str) else own
            compiled[key] = _compile(
                part, passed, None if field is None else field.annotation, (*path, key), complain, known
            )
        return compiled
    if isinstance(value, list):
        return [_compile(part, escaping, annotation, (*path, i), complain, known) for i, part in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        return compile_template(value, escaping, complain=known)
    except TemplateError as error:
        complain(path, f"template: {error}")
        return None


def _form_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _form_in(part)) is not None), None)


def _escaping(metadata: list[Any]) -> Escaping:
    return next((item for item in metadata if isinstance(item, Escaping)), PLAIN)


def _templates(part: Any) -> Iterator[Template]:
    if isinstance(part, Template):
        yield part
    elif isinstance(part, dict):
        for inner in part.values():
            yield from _templates(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _templates(inner)


def _fill(part: Any, context: Mapping[str, Any]) -> Any:
    if isinstance(part, Template):
        return part.render(context, BODY_CAP)
    if isinstance(part, dict):
        return {key: _fill(inner, context) for key, inner in part.items()}
    if isinstance(part, list):
        return [_fill(inner, context) for inner in part]
    return part
