"""A step's message as Slack takes it: texts, blocks and link buttons cut to its limits.

3,000 characters in a section, 2,000 in a field of one, 150 in a header, 75 on a button, 3,000 in an address, 50
blocks, 25 buttons in a row (https://docs.slack.dev/reference/block-kit).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from connectors.slack.markup import BLOCKS, MRKDWN, SHOWN, cut
from relay.connector import PLAIN, Form

SECTION_MOST, FIELD_MOST, HEADER_MOST, BUTTON_MOST, ADDRESS_MOST, BUTTONS_MOST, BLOCKS_MOST = (
    3000,
    2000,
    150,
    75,
    3000,
    25,
    50,
)


class Button(Form):
    """A link below the message; one without a usable address is left out."""

    label: Annotated[str, SHOWN]
    url: Annotated[str, PLAIN]


class SlackAction(Form):
    """A message in Slack's own markup (mrkdwn), or blocks as Slack's Block Kit Builder writes them."""

    message: Annotated[str, MRKDWN] = ""
    blocks: Annotated[list[dict[str, Any]], BLOCKS] = Field(default_factory=list, max_length=BLOCKS_MOST)
    buttons: list[Button] = Field(default_factory=list, max_length=BUTTONS_MOST)
    key: Annotated[str, PLAIN] = ""
    """With a bot: the same key again changes the message it posted before, so that one call is one message."""
    reply: bool = False
    """With a bot and a key: answer in the thread of that message instead of changing it."""
    channel: str | None = None
    """With a bot: where to, instead of the connector's own channel."""

    @model_validator(mode="after")
    def _one_of_them(self) -> SlackAction:
        if not self.message and not self.blocks:
            raise ValueError("a message or blocks are needed")
        if self.reply and not self.key:
            raise ValueError("reply needs the key of the message that is answered")
        return self


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
