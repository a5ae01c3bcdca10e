"""What callers wrote, inert within Slack's markup; and text cut between whole characters.

Only & < > are escaped (https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from relay.connector import Escaping

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUE_MOST = 300
"""Characters of one inserted value: a caller's name may not fill the channel."""

_INVISIBLE = {"Cc", "Cf", "Cs"}
"""Unicode categories: controls, bidirectional and zero-width marks, halves of characters."""
_WHOLE_MARKUP = re.compile(r"&(?:amp|lt|gt);|<[^<>\n]{1,3000}>")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


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
