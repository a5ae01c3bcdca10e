"""Answers of the admin listener: JSON, and errors as application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


def json_answer(body: Mapping[str, Any], status: int = 200) -> web.Response:
    """One object."""
    return web.Response(status=status, body=json.dumps(body, default=str).encode(), content_type="application/json")


def problem(status: int, title: str, detail: str) -> web.Response:
    """An error: what happened, and what to do about it."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/problem+json")
