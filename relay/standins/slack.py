"""A stand-in for Slack's incoming webhooks: it keeps what it accepted and refuses what Slack refuses.

Refusals and their words: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
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

TEAM, HOOK, SECRET = "T000RELAY", "B000RELAY", "not-a-real-slack-secret"
BLOCKS_MOST = 50
_TEXT_MOST = {"header": 150, "button": 75, "section": 3000}
_FIELD_MOST, _URL_MOST = 2000, 3000


class SlackStandIn(StandIn):
    """One channel behind one incoming webhook."""

    def __init__(self, *, per_second: float | None = None) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        """Payloads that were accepted, in order."""
        self.archived = False
        self.per_second = per_second
        """Messages a second before 429; None for no limit."""
        self._free_at = 0.0

    @property
    def webhook_url(self) -> str:
        """The address to put under `webhook_url:`."""
        return f"{self.url}/services/{TEAM}/{HOOK}/{SECRET}"

    def routes(self) -> list[web.RouteDef]:
        """One address, of the shape that Slack hands out."""
        return [web.post("/services/{team}/{hook}/{secret}", self._post)]

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
