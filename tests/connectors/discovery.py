"""Requests held against Google's own description of the Sheets API, version 4 (its discovery document)."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    from relay.standins.server import Received

_KINDS = {"any": {}, "integer": {"type": "integer"}, "number": {"type": "number"}, "boolean": {"type": "boolean"}}


@cache
def document() -> dict[str, Any]:
    """As google-api-python-client ships it."""
    text = (files("googleapiclient") / "discovery_cache" / "documents" / "sheets.v4.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _methods() -> tuple[tuple[str, re.Pattern[str], dict[str, Any]], ...]:
    found: list[tuple[str, re.Pattern[str], dict[str, Any]]] = []

    def gather(node: dict[str, Any]) -> None:
        for method in node.get("methods", {}).values():
            # A worksheet's name may hold a slash, which is decoded by now.
            path = re.sub(r"\\{\+?\w+\\}", "[^/]+", re.escape(method["path"]).replace(r"\{range\}", ".+"))
            found.append((method["httpMethod"], re.compile(f"/{path}"), method))
        for resource in node.get("resources", {}).values():
            gather(resource)

    gather(document())
    return tuple(found)


@cache
def _schemas() -> dict[str, Any]:
    return {name: _schema(schema) for name, schema in document()["schemas"].items()}


def _schema(node: dict[str, Any]) -> Any:
    """A discovery schema as a JSON Schema that refuses names it does not know."""
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    kind = node.get("type")
    if kind == "object" and "properties" in node:
        known = {name: _schema(one) for name, one in node["properties"].items()}
        return {"type": "object", "properties": known, "additionalProperties": False}
    if kind == "array":
        return {"type": "array", "items": _schema(node["items"])}
    if kind == "string":
        return {"type": "string", **({"enum": node["enum"]} if "enum" in node else {})}
    return _KINDS.get(str(kind), {})


@cache
def _judge(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({"$ref": f"#/$defs/{name}", "$defs": _schemas()})


def complaint(request: Received) -> str | None:
    """What Google's description says against a request; None for nothing."""
    method = next((m for verb, path, m in _methods() if verb == request.method and path.fullmatch(request.path)), None)
    if method is None:
        return f"there is no method {request.method} {request.path}"
    asked = document()["parameters"] | method.get("parameters", {})
    unknown = [name for name in request.query if name not in asked]
    wrong = [n for n, value in request.query.items() if n in asked and value not in asked[n].get("enum", [value])]
    if unknown or wrong:
        return f"{method['id']}: unknown {unknown}, wrong {wrong}"
    if "request" not in method:
        return f"{method['id']} takes no body" if request.body else None
    errors = list(_judge(method["request"]["$ref"]).iter_errors(json.loads(request.body)))
    return f"{method['id']}: {errors[0].message}" if errors else None
