"""Telephone numbers in running text, cut to their last four digits: for logs, and for eyes that may only look."""

from __future__ import annotations

import re

_KEPT = 4
_NUMBER = re.compile(
    r"(?:\+|%2[Bb])[1-9][0-9]{7,14}(?![0-9])"  # +13125550101
    r"|(?<![0-9A-Za-z_.:-])(?:"  # the end of an id, a time or an address is no number
    r"\+?1?[ .-]?\(?[2-9][0-9]{2}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4}"  # (312) 555-0101
    r"|1?[2-9][0-9]{2}[2-9][0-9]{6})"  # 3125550101
    r"(?![0-9A-Za-z_:])",
    re.ASCII,
)


def masked(text: str) -> str:
    """The same text, with every telephone number in it cut to ***0101."""
    return _NUMBER.sub(lambda found: f"***{found.group()[-_KEPT:]}", text)
