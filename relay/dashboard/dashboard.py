"""The dashboard put together: its pages, what can be done from them, and what keeps them up to date."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
from base64 import b64encode
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, get_origin
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from aiohttp import web
from aiohttp_sse import sse_response
from multidict import MultiDict

from relay.access import Role, Route, Visitor, local_path, visitor_of
from relay.access.visitor import STILL, UNMASKED
from relay.dashboard.drawing import environment, static_files, stylesheet
from relay.dashboard.live import Live
from relay.dashboard.page import Asked, Elsewhere, Gone, Page
from relay.dashboard.pages import PAGES
from relay.dashboard.words import came_of
from relay.deeds import ACTOR, BadDeed, NoSuch
from relay.models import Act
from relay.phone import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.deeds import Deeds
    from relay.models import Form
    from relay.shown import Shown
    from relay.store import Store

_SAID = 500
_ALONE = "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
Topic = tuple[str, Role]
"""A page's address, and whose eyes it is drawn for."""


class Dashboard:
    """Pages for people, for the admin listener to serve."""

    def __init__(
        self, store: Store, clock: Callable[[], float], shown: Callable[[], Shown], deeds: Deeds | None = None
    ) -> None:
        """Without `deeds` the pages only show."""
        self._store = store
        self._clock = clock
        self._shown = shown
        self._deeds = deeds
        self._said: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._live: Live[Topic] = Live(store.pulse, self._drawn_again)
        self._over = False
        self._stamp = hashlib.sha256(b"".join(body for body, _ in static_files().values())).hexdigest()[:12]

    def routes(self) -> tuple[Route, ...]:
        """What can be asked."""
        html = "text/html"
        return (
            *(Route("GET", page.path, partial(self._page, page), page.says, tells=html) for page in PAGES),
            Route("GET", "/live", self.live, "A page, drawn again whenever something happened.", tells=html, live=True),
            Route("GET", "/static/{name}", self.static, "Style and script.", tells=html),
            Route("POST", "/do/{deed}", self.do, "Do one thing from a page.", tells=html),
            Route("POST", "/try", self.try_, "Play a rule on a call, with nothing sent.", tells=html),
            Route("POST", "/reveal", self.reveal, "Show a number that is masked; noted.", needs=Role.VIEW, tells=html),
        )

    def end(self) -> None:
        """Let every open stream go."""
        self._over = True
        self._live.wake()

    def signin(self, request: web.Request, *, status: int, wrong: str | None = None) -> web.Response:
        """The page that asks for the token; it brings its style along."""
        style = stylesheet()
        if wrong is None and request.method == "POST" and request.path not in {"/signin", "/signout"}:
            wrong = "You were signed out, and nothing was done. Sign in, and do it again."
        back = "/" if request.path in {"/signin", "/signout"} or request.method != "GET" else request.path_qs
        text = (
            environment()
            .get_template("signin.html")
            .render(business=self._shown().business, wrong=wrong, back=back, style=style)
        )
        digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
        headers = {"Content-Security-Policy": _ALONE.format(digest), "WWW-Authenticate": "Bearer"}
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)

    def error(self, request: web.Request, status: int, title: str, detail: str) -> web.Response:
        """The page that says what went wrong."""
        page = Page("", title, "error.html", _nothing, "", live=False)
        text = self._draw(page, self._asked(visitor_of(request), {}, {}), {"detail": detail}, request.path_qs)
        return web.Response(status=status, text=text, content_type="text/html")

    async def static(self, request: web.Request) -> web.Response:
        """A file that was there at the start."""
        found = static_files().get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound(text="There is no such file.")
        body, kind = found
        headers = {"Cache-Control": "private, max-age=31536000, immutable"} if "v" in request.query else None
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)

    async def live(self, request: web.Request) -> web.StreamResponse:
        """The page named by `of`, drawn again whenever something happened, until the session ends."""
        visitor, of = visitor_of(request), request.query.get("of", "/")
        topic = (of, visitor.role)
        if _page_at(of) is None:
            raise web.HTTPNotFound(text="There is no such page.")
        still = request[STILL]
        stream = None
        # Whoever closed the page closed the stream; that is how every stream ends.
        with contextlib.suppress(ConnectionError):
            async with sse_response(request) as stream, self._live.listen(topic) as queue:
                await self._live.fill(queue, topic)
                while still() and not self._over:
                    try:
                        async with asyncio.timeout(_LOOK):
                            drawn = await queue.get()
                    except TimeoutError:
                        if request.transport is None or request.transport.is_closing():
                            break
                        continue
                    if drawn:
                        await stream.send(json.dumps(drawn))
        return stream or web.Response(status=204)

    async def do(self, request: web.Request) -> web.Response:
        """One deed, told by a form; back to the page that it was done from, which says what came of it."""
        form = await request.post()
        name = request.match_info["deed"]
        if self._deeds is None or name not in self._deeds.forms:
            raise web.HTTPNotFound(text="That cannot be done from here.")
        try:
            came = await self._deeds.do(
                name, _given(self._deeds.forms[name], MultiDict([*request.query.items(), *form.items()]))
            )
            word = came_of(name, came)
            said = (word.mood, word.text)
        except BadDeed as error:
            said = ("bad", str(error))
        back = urlsplit(local_path(str(form.get("back", "/"))))
        path = local_path(back.path)
        query = "&".join(part for part in (back.query, f"said={self._remember(*said)}") if part)
        raise web.HTTPSeeOther(f"{quote(path, safe='/%+:@')}?{query}")

    async def try_(self, request: web.Request) -> web.Response:
        """What a rule would do with a call, as a page; nothing is sent."""
        form = await request.post()
        if self._deeds is None or "try" not in self._deeds.forms:
            raise web.HTTPNotFound(text="Rules cannot be tried from here.")
        given = {name: str(form.get(name, "")) for name in ("rule", "event")}
        try:
            trial = await self._deeds.do("try", given)
        except NoSuch as error:
            raise web.HTTPNotFound(text=str(error)) from None
        except BadDeed as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from None
        page = Page("/calls", "Trial", "try.html", _nothing, "", live=False)
        text = self._draw(page, self._asked(visitor_of(request), {}, {}), {"trial": trial}, "/calls")
        return web.Response(text=text, content_type="text/html")

    async def reveal(self, request: web.Request) -> web.Response:
        """A caller's whole number, for somebody who only looks; who asked for which is written down first."""
        visitor, form = visitor_of(request), await request.post()
        event = await self._store.event(str(form.get("event", "")))
        if event is None or event.caller is None:
            raise web.HTTPNotFound(text="There is no number to show.")
        about = json.dumps({"event": event.id})
        act = Act(self._clock(), ACTOR.get(), "reveal", about, self._shown().version, outcome="shown")
        await self._store.note_act(act)
        request[UNMASKED] = True
        page = Page("/calls", "Number", "reveal.html", _nothing, "", live=False)
        told = {"number": event.caller, "event": event.id}
        return web.Response(
            text=self._draw(page, self._asked(visitor, {}, {}), told, "/calls"), content_type="text/html"
        )

    def _remember(self, mood: str, said: str) -> str:
        """Keep what is to be said on the next page; answers the name that it is asked for by."""
        name = secrets.token_urlsafe(9)
        self._said[name] = (mood, said)
        while len(self._said) > _SAID:
            self._said.popitem(last=False)
        return name

    async def _page(self, page: Page, request: web.Request) -> web.Response:
        query = dict(request.query)
        said = self._said.pop(query.pop("said", ""), None)
        asked = await self._counted(self._asked(visitor_of(request), query, dict(request.match_info)))
        try:
            told = await page.read(asked)
        except Gone as gone:
            raise web.HTTPNotFound(text=str(gone)) from None
        except Elsewhere as elsewhere:
            raise web.HTTPSeeOther(elsewhere.path) from None
        address = str(request.rel_url.with_query(query))
        return web.Response(text=self._draw(page, asked, told, address, said), content_type="text/html")

    def _asked(self, visitor: Visitor, query: Mapping[str, str], path: Mapping[str, str]) -> Asked:
        deeds = frozenset(self._deeds.forms) if self._deeds is not None and visitor.may_act else frozenset()
        return Asked(self._store, self._shown(), self._clock(), visitor, query, path, deeds)

    async def _counted(self, asked: Asked) -> Asked:
        """With how many alerts are open."""
        return replace(asked, needs=len(await self._store.alerts(open_only=True)))

    def _draw(
        self,
        page: Page,
        asked: Asked,
        told: Mapping[str, Any],
        address: str,
        said: tuple[str, str] | None = None,
        frame: str = "page.html",
    ) -> str:
        return (
            environment()
            .get_template(page.template)
            .render(
                **told,
                frame=frame,
                page=page,
                pages=PAGES,
                shown=asked.shown,
                hours=asked.shown.hours,
                now=asked.now,
                visitor=asked.visitor,
                can=asked.deeds,
                address=address,
                said=said,
                needs=asked.needs,
                stamp=self._stamp,
            )
        )

    async def _drawn_again(self, topic: Topic) -> str:
        """What changes of a page, for everybody of one role who has it open."""
        address, role = topic
        found = _page_at(address)
        if found is None:
            return ""
        page, path = found
        asked = self._asked(Visitor(role, "whoever looks"), dict(parse_qsl(urlsplit(address).query)), path)
        asked = await self._counted(asked)
        try:
            drawn = self._draw(page, asked, await page.read(asked), address, frame="bare.html")
        except (Gone, Elsewhere):
            return ""
        return drawn if role is Role.ADMIN else masked(drawn)


_LOOK = 5.0
"""Seconds after which an open stream looks whether its session still is."""


def _page_at(address: str) -> tuple[Page, dict[str, str]] | None:
    """The live page at an address of ours, with the named parts of its path."""
    try:
        asked = urlsplit(address)
    except ValueError:
        return None
    if asked.scheme or asked.netloc:
        return None
    parts = asked.path.split("/")
    for page in PAGES:
        pattern = page.path.split("/")
        if len(pattern) != len(parts) or not page.live:
            continue
        pairs = list(zip(pattern, parts, strict=True))
        if all(want.startswith("{") or want == have for want, have in pairs):
            return page, {want.strip("{}"): unquote(have) for want, have in pairs if want.startswith("{")}
    return None


def _given(form: type[Form], sent: MultiDict[Any]) -> dict[str, Any]:
    """What a form told, as the deed reads it: lists where it takes a list."""
    fields = form.model_fields
    given: dict[str, Any] = {}
    for name in {*sent} & {*fields}:
        values = [str(value) for value in sent.getall(name)]
        given[name] = values if get_origin(fields[name].annotation) is list else values[-1]
    return given


async def _nothing(_: Asked) -> dict[str, Any]:
    return {}
