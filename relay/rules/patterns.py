"""Regular expressions that cannot run away: `re` has no time limit, so what could need one is refused at load.

Counted is how many ways a pattern has to match one text, the number by which a search that fails can take longer.
"""

from __future__ import annotations

import re

LOOKED_AT = 1000
"""Characters of a value that a pattern looks at."""
_LONGEST = 500
_MOST_WAYS = 2.5e6
"""Two repetitions without an end and one `?`: a search that fails takes a second at worst."""
_REPEATED_GROUP = 3000.0
"""`re` repeats a group about three times more slowly than a single character."""
_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")
_HEADER = re.compile(r"\((?:\?(?:P<\w+>|P=\w+|<[=!]|#[^)]*|\(\w+\)|[:=!>]|[aiLmsux-]+:?))?")
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_PLAIN_START = re.compile(r"[\w\s#@&/,:;-](?![*?{])", re.ASCII)


def read_pattern(source: str) -> re.Pattern[str]:
    """A regular expression that cannot run away.

    Raises:
        ValueError: it cannot be read, or matches one text in so many ways that a search could take for ever.
    """
    try:
        compiled = re.compile(source)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"this pattern cannot be read: {error}") from None
    if len(source) > _LONGEST:
        raise ValueError(f"a pattern may have {_LONGEST} characters at most")
    if _Ways(source).counted() > _MOST_WAYS:
        raise ValueError(
            "this pattern repeats without an end (* + {2,}) in more than two places, which can take for ever; "
            "write it shorter"
        )
    return compiled


class _Ways:
    """Reads a pattern that is known to be sound, from left to right."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def counted(self) -> float:
        """In how many ways the pattern can match one text of `LOOKED_AT` characters, at most."""
        return self._alternatives()

    def _alternatives(self) -> float:
        ways: list[float] = []
        starts: list[str] = []
        while True:
            plain = _PLAIN_START.match(self._source, self._at)
            starts.append(plain[0].casefold() if plain else "")
            ways.append(self._sequence())
            if self._source[self._at : self._at + 1] != "|":
                break
            self._at += 1
        told_apart = all(starts) and len(set(starts)) == len(starts)
        return max(ways) if told_apart else sum(ways)

    def _sequence(self) -> float:
        ways = 1.0
        while self._at < len(self._source) and self._source[self._at] not in "|)":
            ways *= self._item()
        return ways

    def _item(self) -> float:
        group = self._source[self._at] == "("
        inner = self._group() if group else self._single()
        quantifier = _QUANTIFIER.match(self._source, self._at)
        if quantifier is None or quantifier[0].startswith(("{}", "{,}")):
            return inner
        self._at = quantifier.end()
        return _repeated(inner, *_bounds(quantifier), group=group)

    def _group(self) -> float:
        header = _HEADER.match(self._source, self._at)
        self._at += 1 if header is None else len(header[0])
        ways = self._alternatives()
        self._at += 1
        return ways

    def _single(self) -> float:
        atom = _ATOM.match(self._source, self._at)
        self._at += 1 if atom is None else len(atom[0])
        return 1.0


def _bounds(quantifier: re.Match[str]) -> tuple[int, int | None]:
    """Least and most repetitions; None for no end."""
    sign, least, comma, most = quantifier.groups()
    if sign is not None:
        return (1 if sign == "+" else 0), (1 if sign == "?" else None)
    if not comma:
        return int(least), int(least)
    return int(least or 0), int(most) if most else None


def _repeated(inner: float, least: int, most: int | None, *, group: bool) -> float:
    many = LOOKED_AT if most is None else min(most, LOOKED_AT)
    if inner > 1 and many > 1 and (most is None or least != most):
        raise ValueError(
            "this pattern repeats a repetition or a choice, like (a+)+ or (a|ab)*, which can take for ever; "
            "write it without"
        )
    if most is None:
        return _REPEATED_GROUP if group else float(LOOKED_AT)
    if inner > 1 and many > 1:
        return float(min(inner**many, 10**18)) if many < 60 else 1e18  # noqa: PLR2004 - beyond that it only overflows
    return inner + 1 if least == 0 and most == 1 else inner * (many - min(least, many) + 1)
