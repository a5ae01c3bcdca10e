"""The HTTP side of the API: the key first, then the limit, then what is to go wrong, then the operation itself."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from pydantic import BaseModel, ValidationError

from relay.sandbox import api_keys
from relay.sandbox.refused import Refused, wrong
from relay.sandbox.route import Ask, Bytes, Many, One, Role, Route
from relay.sandbox.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

    from relay.sandbox.faults import Fault
    from relay.sandbox.route import World
    from relay.sandbox.state import Row

PREFIX: Final = "/api/v1"
_ASK: web.RequestKey[Ask] = web.RequestKey("ask", Ask)
_PAGE = "<!doctype html><title>{0}</title><h1>{0}</h1><p>nginx</p>"
_SENTENCES = {401: "Invalid API key", 404: "not found", 405: "method not allowed", 413: "request body too large"}
_REMEMBERED = 10_000


class Api:
    """Answers below /api/v1, and remembers what was asked: `requests` holds (method, path, status), newest last."""

    def __init__(self, world: World) -> None:
        self.requests: deque[tuple[str, str, int]] = deque(maxlen=_REMEMBERED)
        self.closing = asyncio.Event()
        self._world = world

    def join(self, app: web.Application) -> None:
        """Put the operations into an application."""

        @web.middleware
        async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app.middlewares.append(guard)
        for route in ROUTES:
            app.router.add_route(route.method, PREFIX + route.path, self._operation(route))

    def _operation(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            ask = request[_ASK]
            if ask.role < route.role:
                raise Refused(403, f"this needs the role {route.role.name.lower()} or a higher one")
            given: dict[str, Any] = dict(request.match_info)
            if route.query is not None:
                given["query"] = _read(route.query, dict(request.query))
            if route.body is not None:
                given["body"] = _read(route.body, _json(await request.read()))
            try:
                with self._world.state.transaction():
                    return _written(route, route.act(ask, **given))
            except UnicodeEncodeError:
                raise wrong("the request holds letters that are no Unicode text") from None

        return answer

    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if not request.path.startswith(PREFIX):
            return await handler(request)
        path = request.path.removeprefix(PREFIX)
        try:
            response = await self._answer(request, path, handler)
        except Refused as refusal:
            response = self._error(refusal)
        except web.HTTPException as error:
            sentence = _SENTENCES.get(error.status, error.reason)
            allow = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
            response = self._error(Refused(error.status, sentence, headers=allow))
        self.requests.append((request.method, path, response.status))
        return response

    async def _answer(self, request: web.Request, path: str, handler: _Handler) -> web.StreamResponse:
        row = self._prove(request)
        request[_ASK] = Ask(self._world, row, Role[row["role"].upper()])
        self._world.faults.admit()
        fault = self._world.faults.draw(request.method, path)
        if fault is None:
            return await handler(request)
        await request.read()
        if fault.late:
            await asyncio.sleep(self._world.settings.slow)
        own = await handler(request) if fault.acts else None
        return await self._spoil(request, fault, own)

    def _prove(self, request: web.Request) -> Row:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        row = api_keys.recognise(self._world.state, key.strip()) if scheme.lower() == "bearer" else None
        if row is None:
            raise Refused(401, "Invalid API key")
        return row

    async def _spoil(self, request: web.Request, fault: Fault, own: web.StreamResponse | None) -> web.StreamResponse:
        if own is not None and fault.answer == "its own":
            return own
        if fault.answer == "nothing":
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), self._world.settings.hang)
            return _reset(request)
        if fault.answer == "reset":
            return _reset(request)
        return _SPOILT[fault.answer]()

    def _error(self, refusal: Refused) -> web.Response:
        if self._world.settings.errors == "documented":
            error: Any = {"code": str(refusal.status), "message": refusal.sentence}
        else:
            error = "unauthorized" if refusal.status == 401 else refusal.sentence  # noqa: PLR2004 - HTTP's own number
        return web.Response(
            status=refusal.status,
            body=_dump({"error": error}),
            content_type="application/json",
            headers=refusal.headers,
        )


_SPOILT: dict[str, Callable[[], web.Response]] = {
    "500": lambda: web.Response(status=500, text="Internal Server Error"),
    "503": lambda: web.Response(status=503, text="Service Unavailable"),
    "429": lambda: web.Response(
        status=429,
        body=_dump({"error": "rate limit exceeded"}),
        content_type="application/json",
        headers={"Retry-After": "1"},
    ),
    "html": lambda: web.Response(text=_PAGE.format("Welcome"), content_type="text/html"),
    "bad gateway": lambda: web.Response(status=502, text=_PAGE.format("502 Bad Gateway"), content_type="text/html"),
    "empty": lambda: web.Response(status=200),
}


def _reset(request: web.Request) -> web.Response:
    """Break the connection with RST; the response is for aiohttp's books only and never leaves."""
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        request.transport.abort()
    return web.Response(status=499)


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_constant=_no_number)
        # What cannot be written out again (lone surrogates, 1e999) is not taken in.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise wrong("the request body is not valid JSON") from None
    if not isinstance(value, dict):
        raise wrong("the request body is not a JSON object")
    return value


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _read(model: type[BaseModel], given: dict[str, Any]) -> BaseModel:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the request"
        if first["type"] == "missing":
            raise wrong(f"missing required field: {place}") from None
        raise wrong(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None


def _written(route: Route, result: Any) -> web.Response:
    if isinstance(result, Bytes):
        return web.Response(
            body=result.body,
            content_type=result.content_type,
            headers={"Content-Disposition": f'attachment; filename="{result.name}"'},
        )
    data: Any
    match route.answer:
        case Many(plural):
            data = {plural: [_plain(row) for row in result.rows], "total": result.total}
        case One(singular):
            data = {singular: _plain(result)}
        case _:
            data = _plain(result)
    return web.Response(body=_dump({"data": data}), content_type="application/json")


def _plain(shape: BaseModel) -> dict[str, Any]:
    return shape.model_dump(by_alias=True, exclude_unset=True)


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
