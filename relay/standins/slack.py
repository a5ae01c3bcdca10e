"""A stand-in for Slack, an incoming webhook and a bot's methods: it keeps what it accepted, refuses what Slack refuses.

The methods: https://docs.slack.dev/reference/methods (chat.postMessage, chat.update, conversations.history,
conversations.replies, auth.test). A webhook's refusals and their words:
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks. Limits of text: the Block Kit
reference, https://docs.slack.dev/reference/block-kit.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.standins.server import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

TEAM, HOOK = "T000RELAY", "B000RELAY"
SECRET, TOKEN = "not-a-real-slack-secret", "xoxb-not-a-real-token"
CHANNELS = {"#calls": "C000CALLS", "#leads": "C000LEADS"}
BLOCKS_MOST = 50
_TEXT_MOST = {"header": 150, "button": 75, "section": 3000}
_FIELD_MOST, _URL_MOST = 2000, 3000


class SlackStandIn(StandIn):
    """One channel behind one incoming webhook, and two that a bot may write into."""

    def __init__(self, *, per_second: float | None = None) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        """Payloads that were accepted, in order."""
        self.posts: dict[str, dict[str, Any]] = {}
        """What a bot's messages say now, by `ts`, in the order of posting; `thread_ts` where one answers another."""
        self.scopes = "chat:write,channels:history"
        self.archived = False
        self.per_second = per_second
        """Messages a second before 429; None for no limit."""
        self._free_at = 0.0

    @property
    def webhook_url(self) -> str:
        """The address to put under `webhook_url:`."""
        return f"{self.url}/services/{TEAM}/{HOOK}/{SECRET}"

    def routes(self) -> list[web.RouteDef]:
        """One address, of the shape that Slack hands out, and the methods under /api/."""
        return [
            web.post("/services/{team}/{hook}/{secret}", self._post),
            web.post("/api/chat.postMessage", self._post_as_bot),
            web.post("/api/chat.update", self._update),
            web.post("/api/auth.test", self._test),
            web.get("/api/conversations.history", self._history),
            web.get("/api/conversations.replies", self._history),
        ]

    async def _test(self, request: web.Request) -> web.Response:
        word = self._unproved(request)
        said = {"ok": False, "error": word} if word else {"ok": True, "bot_id": "B1"}
        return web.json_response(said, headers={"X-OAuth-Scopes": self.scopes})

    async def _post_as_bot(self, request: web.Request) -> web.Response:
        payload = _read(await request.read()) or {}
        channel = CHANNELS.get(payload.get("channel", ""), payload.get("channel", ""))
        word = self._unproved(request, "chat:write") or self._unfit(payload, channel)
        if word:
            return web.json_response({"ok": False, "error": word})
        if self._too_fast():
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"})
        ts = f"{int(time.time())}.{len(self.posts):06d}"
        self.posts[ts] = {**payload, "channel": channel}
        return web.json_response({"ok": True, "channel": channel, "ts": ts, "message": payload})

    async def _update(self, request: web.Request) -> web.Response:
        payload = _read(await request.read()) or {}
        ts, channel = payload.get("ts", ""), payload.get("channel", "")
        word = self._unproved(request, "chat:write") or self._unfit(payload, channel)
        if not word and self.posts.get(ts, {}).get("channel") != channel:
            word = "message_not_found"
        if word:
            return web.json_response({"ok": False, "error": word})
        self.posts[ts] |= payload
        return web.json_response({"ok": True, "channel": channel, "ts": ts, "text": payload.get("text", "")})

    async def _history(self, request: web.Request) -> web.Response:
        asked = request.query
        word = self._unproved(request, "channels:history")
        if not word and asked["channel"] not in CHANNELS.values():
            word = "channel_not_found"
        if word:
            return web.json_response({"ok": False, "error": word})
        start, limit = int(asked.get("cursor") or 0), int(asked.get("limit", "100"))
        found = [
            {"ts": ts, "text": post.get("text", ""), "metadata": post.get("metadata")}
            for ts, post in reversed(self.posts.items())
            if post["channel"] == asked["channel"]
            and post.get("thread_ts") == asked.get("ts")
            and float(ts) >= float(asked.get("oldest", 0))
        ]
        more = str(start + limit) if len(found) > start + limit else ""
        page = found[start : start + limit]
        return web.json_response({"ok": True, "messages": page, "response_metadata": {"next_cursor": more}})

    def _unproved(self, request: web.Request, scope: str = "") -> str:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return "invalid_auth"
        return "missing_scope" if scope and scope not in self.scopes.split(",") else ""

    def _unfit(self, payload: dict[str, Any], channel: str) -> str:
        if channel not in CHANNELS.values():
            return "channel_not_found"
        if self.archived:
            return "is_archived"
        if not (payload.get("text") or payload.get("blocks")):
            return "no_text"
        return "" if _blocks_are_sound(payload.get("blocks", [])) else "invalid_blocks"

    async def _post(self, request: web.Request) -> web.Response:
        where = request.match_info
        payload = _read(await request.read())
        refusals = (
            ((where["team"], where["hook"]) != (TEAM, HOOK), 404, "no_service"),
            (where["secret"] != SECRET, 403, "invalid_token"),
            (self.archived, 410, "channel_is_archived"),
            (payload is None, 400, "invalid_payload"),
            (not payload or not (payload.get("text") or payload.get("blocks")), 400, "no_text"),
            (not _blocks_are_sound((payload or {}).get("blocks", [])), 400, "invalid_blocks"),
        )
        for refused, status, word in refusals:
            if refused:
                return web.Response(status=status, text=word)
        if payload is None or self._too_fast():
            return web.Response(status=429, headers={"Retry-After": "1"}, text="ratelimited")
        self.messages.append(payload)
        return web.Response(text="ok")

    def _too_fast(self) -> bool:
        if self.per_second is None:
            return False
        now = time.monotonic()
        if now < self._free_at:
            return True
        self._free_at = now + 1 / self.per_second
        return False


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        payload = json.loads(body)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _blocks_are_sound(blocks: Any) -> bool:
    if not isinstance(blocks, list) or len(blocks) > BLOCKS_MOST:
        return False
    return all(isinstance(block, dict) and all(_is_sound(part) for part in _parts(block)) for block in blocks)


def _parts(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield block
    for inside in block.values():
        for part in inside if isinstance(inside, list) else [inside]:
            if isinstance(part, dict):
                yield from _parts(part)


def _is_sound(part: dict[str, Any]) -> bool:
    text = part.get("text")
    most = _TEXT_MOST.get(part.get("type", ""))
    if most is not None and isinstance(text, dict) and not 0 < len(text.get("text", "")) <= most:
        return False
    if any(len(entry.get("text", "")) > _FIELD_MOST for entry in part.get("fields", [])):
        return False
    url = part.get("url")
    return url is None or (len(url) <= _URL_MOST and url.startswith(("http://", "https://")))
