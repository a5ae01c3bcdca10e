"""Templates of addresses inside a connector's options: the path of a service's API with ids put into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError, core_schema

from relay.errors import TemplateError
from relay.templates.escaping import URL_PART
from relay.templates.template import compile_template

DEFAULT_NAMES = ("match", "found")


@dataclass(frozen=True)
class PathTemplate:
    """An address with values put into it, each escaped as one part of a URL; made by pydantic from text.

    Only the top names in `names` may be used: `match` and `found`, unless `Annotated[PathTemplate, Names(...)]` says
    otherwise.

    Raises:
        TemplateError: the text is no template, or uses another name.
    """

    source: str
    names: tuple[str, ...] = DEFAULT_NAMES

    def __post_init__(self) -> None:
        compile_template(self.source, URL_PART, complain=self._complain)

    def _complain(self, name: str) -> str | None:
        if name.partition(".")[0] in self.names:
            return None
        return f"{name} is not known here; this address may use {' and '.join(self.names) or 'no names'}"

    def render(self, **context: Any) -> str:
        """The address with values from `context`.

        Raises:
            Blank: a name has no value.
            TemplateError: a value cannot be part of an address.
        """
        return compile_template(self.source, URL_PART).render(context)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Text becomes a template, and is written out as the text again."""
        return _schema(DEFAULT_NAMES)


@dataclass(frozen=True, init=False)
class Names:
    """The top names that an address may use, as metadata: `Annotated[PathTemplate, Names("contact")]`."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        """As for the path itself, with these names."""
        return _schema(self.names)


def _schema(names: tuple[str, ...]) -> core_schema.CoreSchema:
    def read(value: Any) -> PathTemplate:
        if isinstance(value, PathTemplate):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("template", "an address is written as text")
        try:
            return PathTemplate(value, names)
        except TemplateError as error:
            raise PydanticCustomError(
                "template", "{message}", {"message": str(error), "column": error.column}
            ) from error

    return core_schema.no_info_plain_validator_function(
        read,
        serialization=core_schema.plain_serializer_function_ser_schema(lambda path: path.source),
        json_schema_input_schema=core_schema.str_schema(),
    )
