"""The description of the API at /openapi.json, drawn from the table of operations and their models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from relay.sandbox.route import Many, One, Raw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from relay.sandbox.route import Query, Route

_REF = "#/components/schemas/{model}"
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "oneOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                    "required": ["code", "message"],
                },
            ]
        }
    },
    "required": ["error"],
}
_ERRORS = {
    "400": "The request is not as it should be",
    "401": "The key is missing, wrong or revoked",
    "403": "The key's role may not do this",
    "404": "There is no such thing",
    "413": "The request is too large",
    "429": "Too many requests",
}


def describe(routes: Iterable[Route], url: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document; `url` is the sandbox's own address."""
    table = list(routes)
    schemas = _schemas(table)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CallScaler sandbox",
            "version": "1",
            "description": "A stand-in for the CallScaler API; x-listed: false is not in its Resources document.",
        },
        "servers": [{"url": f"{url}/api/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas | {"Error": _ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "cs_key_…"}},
        },
    }


def _schemas(routes: list[Route]) -> dict[str, Any]:
    written: list[type[BaseModel]] = [route.answer.shape for route in routes if not isinstance(route.answer, Raw)]
    read: list[type[BaseModel]] = [route.body for route in routes if route.body is not None]
    _, found = models_json_schema(
        [*((model, "serialization") for model in dict.fromkeys(written)), *((model, "validation") for model in read)],
        ref_template=_REF,
    )
    schemas: dict[str, Any] = found["$defs"]
    # A field with a default may be left out of an answer.
    for model in written:
        schemas[model.__name__]["required"] = [
            field.alias or name for name, field in model.model_fields.items() if field.is_required()
        ]
    return schemas


def _operation(route: Route) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", route.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    operation: dict[str, Any] = {
        "operationId": f"{route.act.__module__.rpartition('.')[2]}.{route.act.__name__}",
        "summary": route.summary,
        "tags": [route.path.split("/")[1]],
        "x-role": route.role.name.lower(),
        "x-listed": route.listed,
        "parameters": [*parameters, *_query(route.query)],
        "responses": {"200": _success(route)} | {status: _error(words) for status, words in _ERRORS.items()},
    }
    if route.path == "/sms":
        operation["operationId"] += ".sms"
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _json(_ref(route.body))}
    return operation


def _query(model: type[Query] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(field)}
        for name, field in schema["properties"].items()
    ]


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """In a query there is no null, only absence."""
    kept = {name: value for name, value in field.items() if name not in {"title", "default"}}
    choices = [choice for choice in kept.pop("anyOf", []) if choice != {"type": "null"}]
    return kept | (choices[0] if choices else {})


def _success(route: Route) -> dict[str, Any]:
    answer = route.answer
    if isinstance(answer, Raw):
        content: dict[str, Any] = {answer.content_type: {"schema": {"type": "string", "format": "binary"}}}
        return {"description": route.summary, "content": content}
    match answer:
        case Many(plural, shape):
            data = _object({plural: {"type": "array", "items": _ref(shape)}, "total": {"type": "integer"}})
        case One(singular, shape):
            data = _object({singular: _ref(shape)})
        case _:
            data = _ref(answer.shape)
    return {"description": route.summary, "content": _json(_object({"data": data}))}


def _error(words: str) -> dict[str, Any]:
    return {"description": words, "content": _json({"$ref": _REF.format(model="Error")})}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
