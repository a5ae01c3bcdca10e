"""Templates inside a structure: the body of a request, as the owner draws it, with values put into it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError, core_schema

from relay.errors import Blank, TemplateError
from relay.templates.template import Template, compile_template

REST = "*"
"""The key under which a whole group of fields stands, to be put beside the keys written out."""
_CONSTANT = re.compile(r"\{\{\s*(true|false|-?\d{1,15})\s*\}\}")
_ALONE = re.compile(r"\{\{\s*([A-Za-z][\w.]*)\s*\}\}")
_DEEPEST = 16
_GONE = object()


@dataclass(frozen=True)
class Shape:
    """A structure with templates for its texts; made by pydantic from what is written.

    - A text that is one name (`{{ found.id }}`) becomes the value itself: a number stays one, a group stays a group.
    - `{{ true }}`, `{{ false }}` and `{{ 5 }}` become what they say; all else that is written is text.
    - What has no value is left out, with its key; so is a group or list that ends up empty.
    - `"*": "{{ fields }}"` stands for all of `fields` but the names used beside it; what is written beside it wins.
    """

    written: Any

    def __post_init__(self) -> None:
        _walk(self.written, 0)

    @property
    def names(self) -> frozenset[str]:
        """Every dotted name used."""
        return _names(self.written)

    def fill(self, values: Mapping[str, Any]) -> Any:
        """The structure with the values put in; None where nothing of it is left.

        Raises:
            TemplateError: a value cannot be used so.
        """
        filled = _fill(self.written, values)
        return None if filled is _GONE else filled

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """A structure becomes a shape, and is written out as the structure again."""

        def read(value: Any) -> Shape:
            if isinstance(value, Shape):
                return value
            try:
                return cls(value)
            except TemplateError as error:
                details = {"message": str(error), "column": error.column}
                raise PydanticCustomError("template", "{message}", details) from error

        return core_schema.no_info_plain_validator_function(
            read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda shape: shape.written),
            json_schema_input_schema=core_schema.any_schema(),
        )


def _walk(value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise TemplateError("this is nested too deeply")
    if isinstance(value, Mapping):
        rest = value.get(REST)
        if rest is not None and not (isinstance(rest, str) and _ALONE.fullmatch(rest.strip())):
            raise TemplateError(f'"{REST}" stands for one group of fields, like "{{{{ fields }}}}"')
        for inner in value.values():
            _walk(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, depth + 1)
    elif isinstance(value, str):
        compile_template(value)


def _names(value: Any) -> frozenset[str]:
    if isinstance(value, Mapping):
        return frozenset().union(*(_names(inner) for inner in value.values()))
    if isinstance(value, list):
        return frozenset().union(*(_names(inner) for inner in value))
    return compile_template(value).names if isinstance(value, str) else frozenset()


def _fill(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return _fill_group(value, values)
    if isinstance(value, list):
        filled = [found for inner in value if (found := _fill(inner, values)) is not _GONE]
        return filled or _GONE
    if not isinstance(value, str):
        return value
    constant = _CONSTANT.fullmatch(value.strip())
    if constant:
        return json.loads(constant[1])
    alone = _ALONE.fullmatch(value.strip())
    return _lookup(alone[1], values) if alone else _say(compile_template(value), values)


def _fill_group(group: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    filled: dict[str, Any] = {}
    if REST in group:
        name = _ALONE.fullmatch(group[REST].strip())[1]  # type: ignore[index]  # checked when it was read
        beside = {key: inner for key, inner in group.items() if key != REST}
        spoken_for = {used.removeprefix(f"{name}.").partition(".")[0] for used in _names(beside)}
        rest = _lookup(name, values)
        if isinstance(rest, Mapping):
            filled = {key: inner for key, inner in rest.items() if key not in spoken_for and inner not in (None, "")}
    for key, inner in group.items():
        if key != REST and (found := _fill(inner, values)) is not _GONE:
            filled[key] = found
    return filled or _GONE


def _lookup(name: str, values: Mapping[str, Any]) -> Any:
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return _GONE if found is None or found == "" else found


def _say(template: Template, values: Mapping[str, Any]) -> Any:
    try:
        return template.render(values, cap=64 * 1024) or _GONE
    except Blank:
        return _GONE
