"""Posts into a Slack channel through an incoming webhook, which belongs to one channel.

Limits and rules of the service, each with its source:

- About one message a second for each webhook, short bursts allowed; 429 with Retry-After beyond
  (https://docs.slack.dev/apis/web-api/rate-limits). Set `rate: 1/s` for a busy channel.
- 3,000 characters in a section, 2,000 in a field of one, 150 in a header, 75 on a button, 3,000 in an address, 50
  blocks, 25 buttons in a row (https://docs.slack.dev/reference/block-kit). What is longer is cut between whole
  characters.
- Only & < > are escaped (https://docs.slack.dev/messaging/formatting-message-text).
- The answer is the word ok; others are words too (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
- Slack knows no idempotency key: a message whose answer was lost is posted once more.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator, model_validator
from yarl import URL

from relay.connector import PLAIN, Connector, Escaping, Form, Job, Receipt, Secret
from relay.errors import Forbidden, Invalid, NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unclear
from relay.http import GRACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.http import Answer

VALUE_MOST = 300
"""Characters of one inserted value: a caller's name may not fill the channel."""
SECTION_MOST, FIELD_MOST, HEADER_MOST, BUTTON_MOST, ADDRESS_MOST, BUTTONS_MOST, BLOCKS_MOST = (
    3000,
    2000,
    150,
    75,
    3000,
    25,
    50,
)

_SUCCESS = range(200, 300)
_INVISIBLE = {"Cc", "Cf", "Cs"}
"""Unicode categories: controls, bidirectional and zero-width marks, halves of characters."""
_WHOLE_MARKUP = re.compile(r"&(?:amp|lt|gt);|<[^<>\n]{1,3000}>")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

_MEANINGS: dict[str, tuple[type[Unavailable | Rejected], str]] = {
    "action_prohibited": (Forbidden, "the workspace does not let this webhook post here"),
    "channel_is_archived": (NotFound, "the channel is archived; make a webhook for another one"),
    "channel_not_found": (NotFound, "the channel is gone; make a webhook for another one"),
    "fatal_error": (Unavailable, "Slack has trouble"),
    "internal_error": (Unavailable, "Slack has trouble"),
    "invalid_auth": (Unauthorized, "the webhook address is not accepted; make a new one"),
    "invalid_blocks": (Invalid, "Slack does not accept these blocks; try them in its Block Kit Builder"),
    "invalid_payload": (Invalid, "Slack could not read the message"),
    "invalid_token": (Unauthorized, "the webhook was revoked; make a new one"),
    "no_active_hooks": (NotFound, "the webhook was switched off; make a new one"),
    "no_service": (NotFound, "the webhook was removed; make a new one"),
    "no_team": (NotFound, "the workspace is gone"),
    "no_text": (Invalid, "the message is empty"),
    "posting_to_general_channel_denied": (Forbidden, "only admins may post into this channel"),
    "ratelimited": (RateLimited, "Slack asks for fewer messages"),
    "request_timeout": (Unavailable, "Slack has trouble"),
    "rollup_error": (Unavailable, "Slack has trouble"),
    "service_unavailable": (Unavailable, "Slack has trouble"),
    "team_disabled": (Forbidden, "the workspace is switched off"),
    "user_not_found": (NotFound, "the person the webhook writes to is gone"),
}


def cleaned(value: str) -> str:
    """One line of plain text without invisible characters, at most 300 long."""
    composed = unicodedata.normalize("NFC", value)
    spaced = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in composed)
    seen = "".join(letter for letter in spaced if unicodedata.category(letter) not in _INVISIBLE)
    return cut(" ".join(seen.split()), VALUE_MOST)


def escape_mrkdwn(value: str) -> str:
    """A value as inert text within the owner's mrkdwn: no mention, no link; & < > once."""
    return "".join(_ENTITIES.get(letter, letter) for letter in cleaned(value))


def cut(text: str, most: int) -> str:
    """At most so many characters, never ending amid an emoji, an accented letter, an entity or a link."""
    if len(text) <= most:
        return text
    end = most
    for markup in _WHOLE_MARKUP.finditer(text):
        if markup.start() < end < markup.end():
            end = markup.start()
    while end and _joined(text, end):
        end -= 1
    return text[: end or most]


def _joined(text: str, place: int) -> bool:
    """Whether the characters before and after a place show as one (Unicode UAX 29, without its rarest scripts)."""
    before, after = text[place - 1], text[place]
    if unicodedata.category(after)[0] == "M" or after in "\u200d\u200c" or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if before == "\u200d" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if _is_flag(before) and _is_flag(after):
        flags = len(text[:place]) - len(text[:place].rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))
        return flags % 2 == 1
    return "\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff"


def _is_flag(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


MRKDWN = Escaping("mrkdwn", escape_mrkdwn)
SHOWN = Escaping("plain_text", cleaned)


def _by_type(around: Mapping[str, Any]) -> Escaping:
    return MRKDWN if around.get("type", "mrkdwn") == "mrkdwn" else SHOWN


BLOCKS = Escaping("blocks", escape_mrkdwn, _by_type)
"""Within {"type": "mrkdwn"}, or where no type is told, a value is escaped; Slack shows plain_text as it is."""


class Button(Form):
    """A link below the message; one without a usable address is left out."""

    label: Annotated[str, SHOWN]
    url: Annotated[str, PLAIN]


class SlackOptions(Form):
    """The webhook's address, which is its own proof: whoever has it can post."""

    webhook_url: Secret

    @field_validator("webhook_url")
    @classmethod
    def _an_address(cls, secret: Secret) -> Secret:
        target = URL(secret.get_secret_value())
        if target.scheme not in {"https", "http"} or not target.host:
            raise ValueError("webhook_url must be the address that Slack shows, https://hooks.slack.com/services/…")
        return secret


class SlackAction(Form):
    """A message in Slack's own markup (mrkdwn), or blocks as Slack's Block Kit Builder writes them."""

    message: Annotated[str, MRKDWN] = ""
    blocks: Annotated[list[dict[str, Any]], BLOCKS] = Field(default_factory=list, max_length=BLOCKS_MOST)
    buttons: list[Button] = Field(default_factory=list, max_length=BUTTONS_MOST)

    @model_validator(mode="after")
    def _one_of_them(self) -> SlackAction:
        if not self.message and not self.blocks:
            raise ValueError("a message or blocks are needed")
        return self


class Slack(Connector[SlackOptions, SlackAction]):
    """One channel."""

    Options = SlackOptions
    Action = SlackAction
    alerts_people = True

    # No lane: each message stands by itself and tells its own time, and one that Slack refuses or that waits for its
    # next try must not hold up the rest of the channel.

    async def send(self, job: Job[SlackAction]) -> Receipt:
        """Post the message.

        Raises:
            RateLimited: with the seconds that Slack named.
            Unavailable, Rejected: by the word that Slack answered.
            Unclear: when the answer is neither.
        """
        answer = await self._post(payload(job.action))
        _require_ok(answer)
        return Receipt(created=True, status=answer.status)

    async def check(self) -> None:
        """Post an empty message, which a webhook in order refuses as empty, so that nothing appears in the channel."""
        try:
            _require_ok(await self._post({"text": ""}))
        except Invalid:
            return

    async def _post(self, message: dict[str, Any]) -> Answer:
        # ASCII: a value may hold halves of characters, which UTF-8 cannot carry
        data = json.dumps(message, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json"}
        return await self.http.request("POST", self.options.webhook_url.get_secret_value(), data=data, headers=headers)


def payload(action: SlackAction) -> dict[str, Any]:
    """What is posted: `text` is what a notification shows; blocks only where the message needs them."""
    message = cut(action.message, SECTION_MOST)
    blocks = [_fitted(block) for block in action.blocks]
    row = [_button(place, button) for place, button in enumerate(action.buttons) if _leads_somewhere(button.url)]
    if row and not blocks:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": message}})
    if row:
        blocks.append({"type": "actions", "elements": row})
    posted: dict[str, Any] = {"text": message or _spoken(blocks)}
    if blocks:
        posted["blocks"] = blocks
    return posted | {"link_names": False, "unfurl_links": False, "unfurl_media": False}


def _button(place: int, button: Button) -> dict[str, Any]:
    label = {"type": "plain_text", "text": cut(button.label, BUTTON_MOST) or "Open", "emoji": True}
    return {"type": "button", "text": label, "url": button.url, "action_id": f"link-{place}"}


def _leads_somewhere(url: str) -> bool:
    """Slack refuses the whole message for one address that is empty, too long or not of the web."""
    return url.startswith(("https://", "http://")) and len(url) <= ADDRESS_MOST


def _fitted(part: Any, most: int = SECTION_MOST) -> Any:
    """The same blocks with every text cut to what Slack takes at its place."""
    if isinstance(part, list):
        return [_fitted(one, most) for one in part]
    if not isinstance(part, dict):
        return part
    own = {"header": HEADER_MOST, "button": BUTTON_MOST}.get(str(part.get("type")), most)
    return {
        name: cut(value, own)
        if name == "text" and isinstance(value, str)
        else _fitted(value, FIELD_MOST if name == "fields" else own)
        for name, value in part.items()
    }


def _spoken(blocks: list[Any]) -> str:
    """The first text within the blocks: what a phone's notification shows."""
    for block in blocks:
        text = block.get("text")
        if isinstance(text, dict) and text.get("text"):
            return str(text["text"])
    return "New message"


def _require_ok(answer: Answer) -> None:
    word = _word(answer)
    if answer.status in _SUCCESS and word == "ok":
        return
    kind, meaning = _MEANINGS.get(word, (None, ""))
    reason = f"Slack answered {answer.status} {word}: {meaning}"
    if kind is not None and issubclass(kind, Unavailable):
        raise kind(reason, retry_after=answer.retry_after)
    if kind is not None:
        raise kind(reason, grace=1 if answer.status == 410 else GRACE)  # noqa: PLR2004 - 410: gone for good
    answer.raise_for_status()
    if word:
        raise Rejected(f"Slack answered {answer.status} {word}", grace=GRACE)
    raise Unclear(f"answered {answer.status} with something that is not Slack's ok")


def _word(answer: Answer) -> str:
    """Slack's one-word answer, bare or as {"ok": …, "error": …}; empty when it is neither."""
    text = answer.body[:2000].decode("utf-8", "replace").strip()
    try:
        said = json.loads(text)
    except ValueError:
        return text if re.fullmatch(r"[a-z][a-z0-9_]{1,60}", text) else ""
    if not isinstance(said, dict):
        return ""
    return "ok" if said.get("ok") is True else str(said.get("error", ""))[:60]
