"""One incoming webhook, or one bot."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar

from aiolimiter import AsyncLimiter
from pydantic import field_validator, model_validator
from yarl import URL

from connectors.slack.answers import require_ok, word_of
from connectors.slack.markup import escape_mrkdwn
from connectors.slack.message import SlackAction, payload
from relay.connector import Connector, Form, Job, Receipt, Secret
from relay.errors import Forbidden, Invalid, Rejected, Unclear

if TYPE_CHECKING:
    from relay.http import Answer, Http

ANSWER_MOST = 1024 * 1024
"""Bytes of an answer that are read: a method echoes the whole message."""
A_MINUTE = 60
"""Messages a minute into one channel: one a second, in bursts."""
EVENT_TYPE = "callscaler_relay"
"""The metadata by which a message of ours is known again; it holds the delivery's key and nothing of the call."""
SINCE = "since"
"""The note that tells when a message was first tried, Unix seconds."""
PAGE, PAGES = 200, 10
"""Messages on a page of a channel's history, and pages at most, looked through for one whose answer was lost."""
SKEW = 120.0
"""Seconds by which this machine's clock may be ahead of Slack's."""

_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{6,}")
_CANNOT_CHANGE = {"message_not_found", "cant_update_message", "edit_window_closed"}
_CANNOT_LOOK = {"missing_scope", "not_in_channel", "channel_not_found", "no_permission", "method_not_supported"}


class SlackOptions(Form):
    """`webhook_url`, whose address is its own proof; or a bot's `token`, with the channel where it writes."""

    webhook_url: Secret | None = None
    token: Secret | None = None
    """`xoxb-…`, with the scope chat:write."""
    channel: str | None = None
    """#calls or C0123ABCD; a step may name another. Only with a token."""
    base_url: str = "https://slack.com/api"

    @field_validator("webhook_url")
    @classmethod
    def _an_address(cls, secret: Secret | None) -> Secret | None:
        if secret is None or not secret.get_secret_value():
            return None
        target = URL(secret.get_secret_value())
        if target.scheme not in {"https", "http"} or not target.host:
            raise ValueError("webhook_url must be the address that Slack shows, https://hooks.slack.com/services/…")
        return secret

    @field_validator("token")
    @classmethod
    def _a_bot(cls, secret: Secret | None) -> Secret | None:
        if secret is None or not secret.get_secret_value():
            return None
        if not secret.get_secret_value().startswith("xoxb-"):
            raise ValueError("token must be the bot's token, xoxb-…; an app's page shows it under OAuth & Permissions")
        return secret

    @model_validator(mode="after")
    def _one_way(self) -> SlackOptions:
        if (self.webhook_url is None) == (self.token is None):
            raise ValueError("set webhook_url, or token and channel: one of the two")
        if self.webhook_url is not None and self.channel is not None:
            raise ValueError("a webhook belongs to one channel; `channel` needs a bot's token")
        return self


class Slack(Connector[SlackOptions, SlackAction]):
    """One webhook's channel, or the channels of one bot."""

    Options: ClassVar = SlackOptions
    Action: ClassVar = SlackAction
    alerts_people = True

    def __init__(self, options: SlackOptions, http: Http) -> None:
        super().__init__(options, http)
        self._pace: dict[str, AsyncLimiter] = {}

    @classmethod
    def notice(cls, subject: str, text: str) -> dict[str, Any]:
        """An alert, in which nothing mentions anybody or leads anywhere."""
        return {"message": f"*{escape_mrkdwn(subject)}*\n{escape_mrkdwn(text)}"}

    def lane(self, action: SlackAction) -> str | None:
        """Only what grows keeps order: a message that waits for its next try must not hold up the channel."""
        return self.key(action)

    def key(self, action: SlackAction) -> str | None:
        """The message that later ones change or answer."""
        return f"{self._channel(action)} {action.key}" if action.key and self.options.token else None

    async def send(self, job: Job[SlackAction]) -> Receipt:
        """Post the message; with a `key` that was posted before, change that message, or answer below it.

        Raises:
            RateLimited: with the seconds that Slack named.
            Unavailable, Rejected: by the word that Slack answered.
            Unclear: when the answer is neither.
        """
        if self.options.token is None:
            return await self._through_webhook(job)
        if job.known and not job.action.reply:
            changed = await self._change(job)
            if changed is not None:
                return changed
        return await self._post(job)

    async def check(self) -> None:
        """Prove the way in, with nothing to be seen in the channel.

        A webhook in order refuses an empty message as empty; a bot's token tells its scopes.
        """
        if self.options.token is not None:
            answer = await self._call("auth.test", {})
            require_ok(answer)
            scopes = answer.headers.get("X-OAuth-Scopes", "chat:write")
            if "chat:write" not in [scope.strip() for scope in scopes.split(",")]:
                raise Forbidden("the bot lacks the scope chat:write: add it on the app's page and install it again")
            return
        try:
            require_ok(await self._deliver({"text": ""}))
        except Invalid:
            return

    async def _through_webhook(self, job: Job[SlackAction]) -> Receipt:
        if job.action.key or job.action.channel or job.action.reply:
            raise Rejected("key, reply and channel need a bot's token: a webhook only posts, into its own channel")
        await self._wait_for("")
        answer = await self._deliver(payload(job.action))
        require_ok(answer)
        return Receipt(created=True, status=answer.status)

    async def _deliver(self, message: dict[str, Any]) -> Answer:
        # ASCII: a value may hold halves of characters, which UTF-8 cannot carry
        data = json.dumps(message, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json"}
        url = (self.options.webhook_url or Secret("")).get_secret_value()
        return await self.http.request("POST", url, data=data, headers=headers)

    async def _change(self, job: Job[SlackAction]) -> Receipt | None:
        """The message as it is now; None where Slack no longer lets it be changed, so that it is posted anew."""
        known = {"channel": job.known.get("channel", ""), "ts": job.known.get("ts", "")}
        answer = await self._call("chat.update", payload(job.action) | known)
        if word_of(answer) in _CANNOT_CHANGE:
            return None
        require_ok(answer)
        return Receipt(id=known["ts"], created=False, status=answer.status)

    async def _post(self, job: Job[SlackAction]) -> Receipt:
        channel = self._channel(job.action)
        if not channel:
            raise Rejected("no channel: name one in the step, or for the connector")
        earlier = await self._find(job, channel) if job.tries else None
        if earlier is not None:
            return self._posted(job, channel, earlier, created=False)
        await self._wait_for(channel)
        job.notes.setdefault(SINCE, job.now)
        message = payload(job.action) | {"channel": channel}
        message["metadata"] = {"event_type": EVENT_TYPE, "event_payload": {"key": job.key}}
        if job.action.reply and job.known:
            message |= {"thread_ts": job.known.get("ts", ""), "channel": job.known.get("channel", channel)}
        answer = await self._call("chat.postMessage", message)
        require_ok(answer)
        said = answer.json()
        if not isinstance(said.get("ts"), str):
            raise Unclear("Slack's answer names no message")
        return self._posted(job, str(said.get("channel", channel)), said["ts"], created=True)

    def _posted(self, job: Job[SlackAction], channel: str, ts: str, *, created: bool) -> Receipt:
        answers = job.action.reply and bool(job.known)
        return Receipt(id=ts, created=created, status=200, remember=None if answers else {"channel": channel, "ts": ts})

    async def _find(self, job: Job[SlackAction], channel: str) -> str | None:
        """The `ts` of this very message, where an earlier try posted it after all; None where that cannot be told."""
        if not _CHANNEL_ID.fullmatch(channel):
            return None
        asked = {"channel": channel, "limit": str(PAGE), "include_all_metadata": "true"}
        asked["oldest"] = f"{job.notes.get(SINCE, job.now) - SKEW:.6f}"
        method = "conversations.history"
        if job.action.reply and job.known:
            method, asked["ts"] = "conversations.replies", job.known.get("ts", "")
        for _ in range(PAGES):
            answer = await self._ask(method, asked)
            if word_of(answer) in _CANNOT_LOOK:
                return None
            require_ok(answer)
            page = answer.json()
            for message in page.get("messages", []):
                told = message.get("metadata") or {}
                if told.get("event_type") == EVENT_TYPE and told.get("event_payload", {}).get("key") == job.key:
                    return str(message["ts"])
            asked["cursor"] = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not asked["cursor"]:
                return None
        return None

    async def _call(self, method: str, message: dict[str, Any]) -> Answer:
        headers = self._proof | {"Content-Type": "application/json; charset=utf-8"}
        data = json.dumps(message, separators=(",", ":")).encode()
        return await self.http.request("POST", str(self._url(method)), data=data, headers=headers, cap=ANSWER_MOST)

    async def _ask(self, method: str, asked: dict[str, str]) -> Answer:
        url = str(self._url(method).with_query(asked))
        return await self.http.request("GET", url, headers=self._proof, cap=ANSWER_MOST)

    @property
    def _proof(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {(self.options.token or Secret('')).get_secret_value()}"}

    def _url(self, method: str) -> URL:
        return URL(f"{self.options.base_url.rstrip('/')}/{method}")

    def _channel(self, action: SlackAction) -> str:
        return action.channel or self.options.channel or ""

    async def _wait_for(self, channel: str) -> None:
        pace = self._pace.setdefault(channel, AsyncLimiter(A_MINUTE, 60.0))
        await pace.acquire()
