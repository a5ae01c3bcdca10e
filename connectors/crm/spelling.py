"""The ways in which one phone number is written in an address book; a CRM's search finds only the one it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Spelling = Literal["e164", "digits", "national", "dashes", "brackets"]
SPELLINGS: tuple[str, ...] = get_args(Spelling)
_NORTH_AMERICAN = 12
"""Characters of +1 and ten digits (https://en.wikipedia.org/wiki/North_American_Numbering_Plan)."""


def digits(number: str) -> str:
    """13125550101."""
    return number.removeprefix("+")


def national(number: str) -> str:
    """3125550101; a number from outside North America keeps its country code."""
    return number[2:] if number.startswith("+1") and len(number) == _NORTH_AMERICAN else digits(number)


def spelled(number: str, spellings: Iterable[str]) -> Iterator[str]:
    """The number in these spellings, each text once; one that it has not is written as it came."""
    inside = national(number)
    area, office, line = inside[:3], inside[3:6], inside[6:]
    ways = {"e164": number, "digits": digits(number)}
    if inside != digits(number):
        ways |= {"national": inside, "dashes": f"{area}-{office}-{line}", "brackets": f"({area}) {office}-{line}"}
    yield from dict.fromkeys(ways.get(way, number) for way in spellings)
