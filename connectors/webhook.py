"""Posts to any address: a shop's own server, Zapier, Make, n8n.

What receivers may rely on:

- `Idempotency-Key` is the same on every try of one delivery
  (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
- With a `signing_secret`, the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of Standard Webhooks
  v1: HMAC-SHA256 over `id.timestamp.body`, base64 (https://github.com/standard-webhooks/standard-webhooks, spec,
  "Signature scheme"). The id stays, the timestamp is that of the try.
- With `envelope: cloudevents`, the body stands under `data` of a CloudEvent 1.0 in structured JSON, whose `id` is the
  delivery's key (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md, 3.2).
- With `envelope: raw`, the call's fields as their sender wrote them, and nothing of ours.
- Success is any 2xx within 15 s; redirects are not followed; 410 means gone for good; at most 64 KiB of the answer is
  read. There is no limit of our own on how often we post: set `rate:` to the receiver's.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from multidict import CIMultiDict
from pydantic import Field, field_validator
from pydantic_core import to_json
from yarl import URL

from relay.connector import HEADER, Connector, Form, Job, Receipt, Secret, hidden, quoted, unsaid
from relay.errors import Invalid, Rejected, Unclear

if TYPE_CHECKING:
    from relay.http import Answer

_TEMPLATE_MARKS = ("{{", "{%", "{#")
_OURS = {"connection", "content-length", "host", "idempotency-key", "transfer-encoding"}
_NAME_LETTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def _sound_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not name or not set(name.lower()) <= _NAME_LETTERS:
            raise ValueError(f"{name!r} is no name for a header")
        if name.lower() in _OURS or name.lower().startswith("webhook-"):
            raise ValueError(f"the header {name} is set by the relay")
        if any(mark in value for mark in "\r\n\0"):
            raise ValueError(f"the header {name} may not hold a line break")
    return headers


class WebhookOptions(Form):
    """Where to post, and how to prove that it was us."""

    url: str
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    envelope: Literal["none", "cloudevents", "raw"] = "none"
    """What a step without a `body` sends: the event, a CloudEvent around it, or only its sender's own fields."""
    signing_secret: Secret | None = None
    """`whsec_…` (base64) or any other text, whose UTF-8 bytes are the key; empty for none."""

    @field_validator("url")
    @classmethod
    def _fixed_address(cls, url: str) -> str:
        if any(mark in url for mark in _TEMPLATE_MARKS):
            raise ValueError("the address may hold no template: what a caller says must not choose where it goes")
        target = URL(url)
        if target.scheme not in {"https", "http"} or not target.host:
            raise ValueError("the address must begin with https:// and name a host")
        return url

    @field_validator("headers")
    @classmethod
    def _sound(cls, headers: dict[str, str]) -> dict[str, str]:
        return _sound_headers(headers)

    @field_validator("signing_secret")
    @classmethod
    def _usable(cls, secret: Secret | None) -> Secret | None:
        if secret is None or not secret.get_secret_value():
            return None
        signing_key(secret.get_secret_value())
        return secret


class WebhookAction(Form):
    """What to post; without a body, the event as JSON."""

    body: Any = None
    """Text is sent as it is, anything else as JSON."""
    headers: Annotated[dict[str, str], HEADER] = Field(default_factory=dict, repr=False)

    @field_validator("headers")
    @classmethod
    def _sound(cls, headers: dict[str, str]) -> dict[str, str]:
        return _sound_headers(headers)


class Webhook(Connector[WebhookOptions, WebhookAction]):
    """One address."""

    Options = WebhookOptions
    Action = WebhookAction

    @classmethod
    def notice(cls, subject: str, text: str) -> dict[str, Any]:
        """An alert as JSON: event, subject, text."""
        return {"body": {"event": "alert", "subject": subject, "text": text}}

    async def send(self, job: Job[WebhookAction]) -> Receipt:
        """Post the body; the receipt holds the answer's JSON, where there is one.

        Raises:
            Unavailable, Rejected, Unclear: by the table of `relay.http`.
        """
        body, kind = _written(job, self.options.envelope)
        headers = CIMultiDict({"Content-Type": kind})
        headers.update(self.options.headers)
        headers.update(job.action.headers)
        headers["Idempotency-Key"] = job.key
        if self.options.signing_secret is not None:
            at = int(job.now or time.time())
            headers.update(signature(self.options.signing_secret.get_secret_value(), job.key, at, body))
        answer = await self.http.request(self.options.method, self.options.url, data=body, headers=headers)
        self._require_success(answer)
        return Receipt(body=_kept(answer, self._ours), status=answer.status)

    async def check(self) -> None:
        """Ask the host for its options: any answer proves address, connection and certificate; nothing is posted."""
        await self.http.request("OPTIONS", self.options.url)

    def _require_success(self, answer: Answer) -> None:
        try:
            answer.raise_for_status()
        except Rejected as refusal:
            raise type(refusal)(f"{refusal}{quoted(answer, self._ours)}", grace=refusal.grace) from None

    @property
    def _ours(self) -> list[str]:
        """What an answer may repeat and nobody may read: a receiver that echoes is common."""
        secret = self.options.signing_secret
        return [*hidden(self.options.headers), *([] if secret is None else [secret.get_secret_value()])]


def signing_key(secret: str) -> bytes:
    """The key's bytes: what stands behind `whsec_` in base64, padding optional; any other text as UTF-8.

    Raises:
        ValueError: when the text behind `whsec_` is no base64.
    """
    written = secret.removeprefix("whsec_")
    if written == secret:
        return secret.encode()
    try:
        return base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except binascii.Error:
        raise ValueError("what follows whsec_ must be base64") from None


def signature(secret: str, name: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks v1; `at` in Unix seconds."""
    signed = b".".join((name.encode(), str(at).encode(), body))
    digest = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def _written(job: Job[WebhookAction], envelope: str) -> tuple[bytes, str]:
    """The bytes to post and their type; a caller's name may hold halves of characters."""
    body, kind = job.action.body, "application/json"
    if body is None:
        body = job.raw if envelope == "raw" else job.event
    elif isinstance(body, str) and envelope != "cloudevents":
        return body.encode("utf-8", "replace"), "text/plain; charset=utf-8"
    if envelope == "cloudevents":
        body, kind = _cloud_event(job, body), "application/cloudevents+json; charset=utf-8"
    return _json(dict(body) if isinstance(body, Mapping) else body), kind


def _json(body: Any) -> bytes:
    """JSON in UTF-8, which is written four times as fast; in ASCII where UTF-8 cannot hold it."""
    with contextlib.suppress(ValueError):
        written = to_json(body)
        if b"NaN" not in written and b"Infinity" not in written:  # numbers that JSON has no word for
            return written
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise Invalid(f"the body cannot be written as JSON: {error}") from None


def _cloud_event(job: Job[WebhookAction], data: Any) -> dict[str, Any]:
    """A CloudEvent 1.0; one event that two steps send here is two, as its `id` is the delivery's key."""
    event = job.event
    return {
        "specversion": "1.0",
        "id": job.key,
        "source": f"/hooks/{event.get('source', '')}",
        "type": str(event.get("event", "unknown")),
        "time": event.get("received_at"),
        "subject": str(event.get("call_id", "")) or None,
        "datacontenttype": "text/plain" if isinstance(data, str) else "application/json",
        "data": data,
    }


def _kept(answer: Answer, secrets: list[str]) -> Any:
    """The answer's JSON without what of it is ours; None where it is none, or nested beyond reading."""
    try:
        return unsaid(answer.json(), secrets)
    except (Unclear, RecursionError):
        return None
