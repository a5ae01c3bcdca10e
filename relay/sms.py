"""What a text costs on its way: its alphabet, its segments, and the characters that make it dearer. Pure.

One segment holds 160 characters of the GSM alphabet (7 bits each; those of its extension table count twice), or 70 of
UCS-2 once a single character is outside it; a text of several segments loses some room in each: 153 and 67
(3GPP TS 23.038, section 6.2.1; TS 23.040, section 9.2.3.24.1).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
"""These are sent as two: an escape, and the character."""
GSM, UCS2 = "GSM-7", "UCS-2"
_ROOM = {GSM: (160, 153), UCS2: (70, 67)}
_PLAINER = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u00b4": "'", "`": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-", "\u2212": "-",
    "\u2022": "-", "\u00b7": "-", "\u2026": "...", "\u00d7": "x", "\u2192": "->", "\u2190": "<-", "\t": " ",
    "\u2122": "(TM)", "\u00ae": "(R)", "\u00a9": "(C)", "\u00ba": "o", "\u00aa": "a", "\u00b0": " deg", "\u2044": "/",
    "\u00e7": "c", "\u0153": "oe", "\u0152": "OE", "\u0142": "l", "\u0141": "L", "\u0131": "i", "\u00f0": "d",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """What one text is charged as."""

    alphabet: str
    """GSM-7 or UCS-2."""
    length: int
    """In units of the alphabet: a character of the extension table, or an emoji, counts as two."""
    segments: int
    room: int
    """Units that fit into this many segments."""

    def __str__(self) -> str:
        """1 segment, 90 of 160."""
        plural = "" if self.segments == 1 else "s"
        return f"{self.segments} segment{plural}, {self.length} of {self.room}"


def measure(text: str) -> Cost:
    """The alphabet and the segments of a text; an empty one costs a segment like any other."""
    alphabet = UCS2 if foreign(text) else GSM
    widths = _widths(text, alphabet)
    alone, joined = _ROOM[alphabet]
    length = sum(widths)
    if length <= alone:
        return Cost(alphabet, length, 1, alone)
    segments = _segment_starts(widths, joined)
    return Cost(alphabet, length, len(segments), len(segments) * joined)


def foreign(text: str) -> tuple[str, ...]:
    """The characters that are not in the GSM alphabet, each once, in the order of the text."""
    return tuple(dict.fromkeys(c for c in text if c not in BASIC and c not in EXTENDED))


def plainer(character: str) -> str:
    """What can stand in place of a character that the GSM alphabet lacks; nothing for an emoji or another script."""
    if character in _PLAINER:
        return _PLAINER[character]
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return "".join(c if c in BASIC or c in EXTENDED else _PLAINER.get(c, "") for c in bare)


def in_gsm(text: str) -> str:
    """The same text in the GSM alphabet, as near as it gets."""
    return "".join(c if c in BASIC or c in EXTENDED else plainer(c) for c in unicodedata.normalize("NFC", text))


def overflow(text: str, segments: int) -> int | None:
    """Where the first character stands that no longer fits into so many segments, from 0; None when all do."""
    cost = measure(text)
    if cost.segments <= segments:
        return None
    alone, joined = _ROOM[cost.alphabet]
    widths = _widths(text, cost.alphabet)
    if segments > 1:
        return _segment_starts(widths, joined)[segments]
    length = 0
    for place, width in enumerate(widths):
        length += width
        if length > alone:
            return place
    return None  # pragma: no cover - it was longer than that


def _widths(text: str, alphabet: str) -> list[int]:
    if alphabet == GSM:
        return [2 if character in EXTENDED else 1 for character in text]
    return [2 if ord(character) > 0xFFFF else 1 for character in text]  # noqa: PLR2004 - beyond it: a surrogate pair


def _segment_starts(widths: list[int], room: int) -> list[int]:
    """Where each segment begins; nothing that counts as two is cut in half."""
    starts, left = [0], room
    for place, width in enumerate(widths):
        if width > left:
            starts.append(place)
            left = room
        left -= width
    return starts
