"""A page for people: make calls, receive texts, point webhooks, see what came of it. Plain forms, no script."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader
from yarl import URL

from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.sandbox.route import World
    from relay.sandbox.service import Sandbox

_HERE = Path(__file__).parent
_GUARD = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# What a button means beyond its outcome.
BUTTONS: dict[str, dict[str, Any]] = {
    "Answered": {"outcome": "answered"},
    "Missed": {"outcome": "no-answer"},
    "Busy": {"outcome": "busy"},
    "Voicemail": {"outcome": "voicemail"},
    "Failed": {"outcome": "failed"},
    "Outbound": {"outcome": "answered", "direction": "outbound"},
    "Spam": {"outcome": "answered", "spam": True, "duration": 11},
    "Withheld number": {"outcome": "no-answer", "caller": None},
}
_TABLES = {
    "numbers": """SELECT numbers.*, call_flows.name AS flow, number_groups.name AS group_name FROM numbers
                  LEFT JOIN call_flows ON call_flows.id = numbers.call_flow_id
                  LEFT JOIN number_groups ON number_groups.id = numbers.group_id ORDER BY numbers.seq""",
    "flows": "SELECT * FROM call_flows ORDER BY seq",
    "calls": "SELECT * FROM calls ORDER BY seq DESC LIMIT 20",
    "texts": "SELECT * FROM texts ORDER BY seq DESC LIMIT 20",
    "deliveries": "SELECT * FROM deliveries ORDER BY seq DESC LIMIT 20",
}


@functools.cache
def _template() -> Any:
    loaded = Environment(autoescape=True, loader=FileSystemLoader(_HERE), trim_blocks=True, lstrip_blocks=True)
    loaded.filters["stamp"] = stamp
    return loaded.get_template("page.html")


class Page:
    """The page at / and the three forms on it."""

    def __init__(self, sandbox: Sandbox, world: World) -> None:
        self._sandbox = sandbox
        self._world = world

    def join(self, app: web.Application) -> None:
        """Put the page into an application."""
        app.router.add_get("/", self._show)
        app.router.add_get("/page.css", self._style)
        app.router.add_post("/ring", self._form(self._ring))
        app.router.add_post("/text", self._form(self._text))
        app.router.add_post("/webhook", self._form(self._webhook))

    async def _show(self, _: web.Request) -> web.Response:
        return self._page("")

    def _page(self, mistake: str) -> web.Response:
        tables = {name: self._world.state.rows(sql) for name, sql in _TABLES.items()}
        text = _template().render(
            **tables,
            buttons=list(BUTTONS),
            balance=self._sandbox.balance(),
            url=self._sandbox.url,
            mistake=mistake,
        )
        return web.Response(text=text, content_type="text/html", headers=_GUARD, status=400 if mistake else 200)

    async def _style(self, _: web.Request) -> web.Response:
        return web.Response(body=(_HERE / "page.css").read_bytes(), content_type="text/css", headers=_GUARD)

    def _form(
        self, act: Callable[[dict[str, str]], Awaitable[None]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            origin = request.headers.get("Origin")
            if origin is not None and URL(origin).authority != URL(f"http://{request.host}").authority:
                raise web.HTTPForbidden(text="this form belongs to another site")
            fields = {name: str(value).strip() for name, value in (await request.post()).items()}
            try:
                await act(fields)
            except (ValueError, KeyError) as error:
                return self._page(str(error))
            return web.Response(status=303, headers={"Location": "/"})

        return handle

    async def _ring(self, fields: dict[str, str]) -> None:
        pressed = BUTTONS.get(fields.get("button", ""))
        if pressed is None:
            raise ValueError("there is no such button")
        call: dict[str, Any] = {"caller": fields.get("caller") or None, "name": fields.get("name") or None} | pressed
        await self._sandbox.phone.ring(call.pop("outcome"), number=fields.get("number") or None, **call)

    async def _text(self, fields: dict[str, str]) -> None:
        if not fields.get("sender") or not fields.get("body"):
            raise ValueError("a text needs a sender and a body")
        await self._sandbox.phone.receive_text(fields["sender"], fields.get("number", ""), fields["body"])

    async def _webhook(self, fields: dict[str, str]) -> None:
        url = fields.get("url", "")
        if not url.startswith(("http://", "https://")):
            raise ValueError("the address must begin with http:// or https://")
        headers = {fields["header"]: fields.get("value", "")} if fields.get("header") else {}
        mode = "wait_for_ai" if fields.get("mode") == "wait_for_ai" else "immediate"
        self._sandbox.point_webhook(fields.get("flow") or None, url, headers, mode=mode)  # type: ignore[arg-type]
