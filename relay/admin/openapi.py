"""The description of the JSON API, generated from the table of routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import relay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.access import Route

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_WORDS = {
    400: "What was asked cannot be.",
    401: "No token, or a wrong one.",
    403: "The token does not allow this.",
    404: "There is no such thing.",
    409: "It is being done already.",
    415: "The body is no JSON.",
    421: "The host name does not belong to the relay.",
    422: "The body cannot be read, or asks for what cannot be.",
    500: "The relay made a mistake.",
    502: "A service that had to be asked did not answer well.",
    503: "Not now; nothing was written.",
}
_ALWAYS = (401, 403, 421, 503)


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 of what machines may ask; pages for people are left out."""
    paths: dict[str, Any] = {}
    for route in routes:
        if route.hidden or route.tells == "text/html":
            continue
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CallScaler Relay",
            "version": relay.__version__,
            "description": "The ledger of one relay. Numbers are masked for the view token. Times are ISO 8601 in UTC.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _PROBLEM},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {
        "summary": route.says,
        "operationId": f"{route.method.lower()} {route.path}",
        "security": [] if route.open else [{"token": []}],
        "parameters": [
            {
                "name": asked.name,
                "in": asked.place,
                "required": asked.place == "path",
                "description": asked.says,
                "schema": dict(asked.schema),
            }
            for asked in route.asks
        ],
        "responses": {
            "200": {"description": route.says, "content": {route.tells: {"schema": dict(route.answer)}}},
            **{str(status): _failure(status) for status in sorted({*_ALWAYS, *route.fails})},
        },
    }
    if route.body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": dict(route.body)}}}
    return told


def _failure(status: int) -> dict[str, Any]:
    return {
        "description": _WORDS[status],
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
