"""What was said in every call, and how it may look where it lands."""

from __future__ import annotations

import html.parser
import re
import unicodedata

from tests.hostile import STRINGS

CALLS = {f"call-{nth:04d}": text for nth, text in enumerate(STRINGS)}
"""What was said, by the call in which it was."""
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
DROPPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def kept(text):
    """What the ledger keeps of a string: what no screen and no file can hold is marked as gone."""
    return DROPPED.sub("\ufffd", text)


def folded(text):
    """What a reader sees of a string: composed, without what nobody sees, with one blank between words."""
    bare = (
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter
        for letter in unicodedata.normalize("NFC", kept(text))
    )
    return " ".join("".join(letter for letter in bare if unicodedata.category(letter) not in UNSEEN).split())


def unseen(text, but=""):
    """Controls, marks that nobody sees, and halves of characters."""
    return {f"U+{ord(letter):04X}" for letter in text if unicodedata.category(letter) in UNSEEN and letter not in but}


class Parts(html.parser.HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts = set(), set(), []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {
            (name, value) for name, value in attributes if name.startswith("on") or name in {"href", "src", "action"}
        }

    def handle_data(self, text):
        self.texts.append(text)

    @property
    def text(self):
        return "".join(self.texts)
