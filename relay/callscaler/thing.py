"""The base of everything the API describes: known fields by name, unknown ones kept, odd ones survived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from relay.callscaler.answers import lost

if TYPE_CHECKING:
    from pydantic import ValidationInfo, ValidatorFunctionWrapHandler

    from relay.callscaler.operations import Operation


class Thing(BaseModel):
    """A frozen record. Only ids are required; a field of a type that was not foreseen counts as not told.

    Fields that the documents do not name are kept in `model_extra`. Values of open sets (status, category, type) are
    plain text. Times are the text that was sent, ISO 8601 in UTC.
    """

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        protected_namespaces=(),
    )

    @field_validator("*", mode="wrap")
    @classmethod
    def _survive(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return handler(value)
        except ValidationError:
            known = cls.model_fields[info.field_name or ""]
            if known.is_required():
                raise
            return known.get_default(call_default_factory=True, validated_data={})

    def plain(self) -> dict[str, Any]:
        """The fields that were told, unknown ones included, as JSON values."""
        return self.model_dump(mode="json", exclude_unset=True)


T = TypeVar("T", bound=Thing)
Rows: TypeAlias = list[T]
"""All rows of a listing, held; a name of its own, as `list` is what resources call their listing."""


def read(operation: Operation, model: type[T], row: Any) -> T:
    """One row as a model.

    Raises:
        Unavailable: a read brought something that is no such thing.
        Unclear: anything else did.
    """
    try:
        return model.model_validate(row)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in problem["loc"]) or "all of it" for problem in error.errors())
        raise lost(operation, f"answered with a {model.__name__} that cannot be read ({fields})") from None
