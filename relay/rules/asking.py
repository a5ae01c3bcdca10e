"""A question to people, put into the words of whatever connector carries it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.templates import Escaping

if TYPE_CHECKING:
    from relay.models import Form

_SUBJECT = "CallScaler Relay asks"
_WORDS = ("message", "text", "body")
"""Fields in which connectors take what is said, in the order in which they are looked for."""


def question(action: type[Form], text: str, link: str | None) -> dict[str, Any] | None:
    """What a step of that connector would say; None for a connector that says nothing to anybody.

    The link stands in the text, too: not everything has buttons.
    """
    fields = action.model_fields
    word = next((name for name in _WORDS if name in fields), None)
    if word is None:
        return None
    escape = next((mark.escape for mark in fields[word].metadata if isinstance(mark, Escaping)), str)
    text = escape(text)
    said: dict[str, Any] = {word: text if link is None else f"{text}\n{link}"}
    if "subject" in fields:
        said["subject"] = _SUBJECT
    if "headers" in fields:  # a webhook: its body is JSON
        said[word] = {"text": text, "url": link}
    if link is not None and "buttons" in fields:
        said |= {word: text, "buttons": [{"label": "Look and decide", "url": link}]}
    return said
