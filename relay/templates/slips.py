"""What keeps a text from being a template, told in our words: where it is, what is wrong, what to write.

The reader of templates only says at which line it stopped, and in the words of a programmer; they stand behind ours.
"""

from __future__ import annotations

import difflib
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CLOSER = {"{{": "}}", "{%": "%}", "{#": "#}"}
_OPENER = re.compile(r"\{\{|\{%|\{#")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_CURLED = re.compile("[\u2018\u2019\u201c\u201d]")
_ENDS = {"endif": "if", "endfor": "for", "elif": "if", "else": "if"}
_WORDS = ("if", "elif", "else", "endif", "for", "endfor")
_SHOWN = 60
"""Characters of a piece that are quoted."""
_CLOSERS = 8
"""Closing pairs at which a piece may end that are tried."""
_LOOKED_AT = 100
"""Pieces of a template that are looked at; nobody writes as many, and whoever does shall not keep the relay busy."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One pair of braces with what stands in it; `open` where the closing pair is missing."""

    start: int
    text: str
    open: bool

    @property
    def kind(self) -> str:
        """`{{`, `{%` or `{#`."""
        return self.text[:2]

    @property
    def inner(self) -> str:
        """What stands between the braces."""
        return (self.text[2:] if self.open else self.text[2:-2]).strip("-+ \t\n")

    @property
    def shown(self) -> str:
        """As it is quoted, in one line."""
        line = " ".join(self.text.split())
        return f"`{line[:_SHOWN]}{'…' if len(line) > _SHOWN else ''}`"


def explain(source: str, said: str, reads: Callable[[str], bool]) -> tuple[str, int]:
    """What is wrong with a template that cannot be read, and the offset of the piece that is.

    `said` is what its reader says; `reads` answers whether a template can be read by itself.
    """
    pieces: list[Piece] = []
    for piece in itertools.islice(_pieces(source, reads), _LOOKED_AT):
        wrong = _wrong_alone(piece, reads)
        if wrong is not None:
            return f"{piece.shown}: {wrong} (the template's reader: {said})", piece.start
        pieces.append(piece)
    odd, why = _unbalanced(pieces) if len(pieces) < _LOOKED_AT else (None, "")
    if odd is None:
        return f"this cannot be read as a template ({said})", 0
    return f"{odd.shown}: {why} (the template's reader: {said})", odd.start


def _pieces(source: str, reads: Callable[[str], bool]) -> Iterator[Piece]:
    at = 0
    while found := _OPENER.search(source, at):
        piece = _sound(source, found, reads) or _as_far_as_it_goes(source, found)
        yield piece
        at = piece.start + len(piece.text)


def _sound(source: str, opener: re.Match[str], reads: Callable[[str], bool]) -> Piece | None:
    """The piece as its reader takes it: a closing pair within a text in quotes, `{{ '}}' }}`, closes nothing."""
    closers = itertools.islice(re.finditer(f"(?={_CLOSER[opener[0]]})", source[opener.end() :]), _CLOSERS)
    ends = (opener.end() + closer.start() + 2 for closer in closers)
    pieces = (Piece(opener.start(), source[opener.start() : end], open=False) for end in ends)
    return next((piece for piece in pieces if _wrong_alone(piece, reads) is None), None)


def _as_far_as_it_goes(source: str, opener: re.Match[str]) -> Piece:
    """A piece that nobody can read."""
    end, closed = _end(source, opener)
    return Piece(opener.start(), source[opener.start() : end], open=not closed)


def _end(source: str, opener: re.Match[str]) -> tuple[int, bool]:
    """Where a piece ends, and whether it is closed; else it goes on to one brace, the next piece, or the line's end."""
    close = source.find(_CLOSER[opener[0]], opener.end())
    following = _OPENER.search(source, opener.end())
    if close >= 0 and (opener[0] == "{#" or following is None or close < following.start()):
        return close + 2, True
    ends = [len(source), source.find("\n", opener.end()), source.find("}", opener.end()) + 1 or -1]
    if following is not None:
        ends.append(following.start())
    return min(end for end in ends if end >= 0), False


def _wrong_alone(piece: Piece, reads: Callable[[str], bool]) -> str | None:
    """What is wrong with a piece whatever stands around it."""
    if piece.open:
        return f"this is opened and never closed; write {_CLOSER[piece.kind]} behind it"
    if piece.kind == "{#":
        return None
    if piece.kind == "{{":
        return None if reads(piece.text) else _wrong_value(piece.inner)
    return _wrong_statement(piece, reads)


def _wrong_value(inner: str) -> str:
    """Why an expression cannot be read."""
    if not inner:
        return "nothing stands between the braces; write a name, like {{ business.name }}"
    if curled := _CURLED.search(inner):
        return f"the curled quote {curled[0]} is none to a template; write ' instead"
    bare = _QUOTED.sub("''", inner)
    if quote := next((sign for sign in "'\"" if bare.count(sign) % 2), None):
        return f"a quote is opened and never closed; write another {quote} behind the text"
    if bare.count("(") != bare.count(")"):
        more, fewer = ("(", ")") if bare.count("(") > bare.count(")") else (")", "(")
        return f"there are more {more} than {fewer}; write one {fewer} for each {more}"
    if found := re.search(r"\|\s*(\w+)\s*(?::\s*|\s)(''|[\w.]+)\s*$", bare):
        return f"what a filter takes stands in brackets behind its name; write {found[1]}(…)"
    if re.search(r"(?<![=!<>])=(?![=])", re.sub(r"\([^()]*\)", "", bare)):
        return "one = says nothing here; compare with =="
    if found := re.fullmatch(r"(\w+)[ \t]+(\w+)", bare):
        return f"the parts of a name are joined by a dot; write {{{{ {found[1]}.{found[2]} }}}}"
    if found := re.search(r"&&?|\|\||!(?!=)", bare):
        return f"{found[0]} means nothing here; write and, or, not"
    if found := re.search(r"[?`$#;\\]", bare):
        return f"{found[0]} means nothing here; take it away"
    return "this is no value; a name, a text in quotes, or a filter behind | can stand here"


def _wrong_statement(piece: Piece, reads: Callable[[str], bool]) -> str | None:
    word = re.split(r"\W", piece.inner, maxsplit=1)[0]
    rest = piece.inner.removeprefix(word).strip()
    if not word:
        return "nothing stands between the braces; write if, for, or their ends"
    if word not in _WORDS:
        if reads(piece.text) or reads(f"{piece.text}{{% end{word} %}}"):
            return None
        near = difflib.get_close_matches(word, _WORDS, n=1)
        hint = f"did you mean {{% {near[0]} %}}?" if near else "there are if, elif, else, endif, for and endfor"
        return f"{{% {word} %}} is not known; {hint}"
    if word in {"else", "endif", "endfor"}:
        return f"behind {word} stands nothing" if rest else None
    if word == "for":
        good = reads(f"{{% for {rest} %}}{{% endfor %}}")
        return None if good else "a loop is written {% for tag in caller.tags %}"
    if not rest:
        return f"behind {word} stands a condition, like {{% {word} caller.name %}}"
    return None if reads(f"{{% if {rest} %}}{{% endif %}}") else _wrong_value(rest)


def _unbalanced(pieces: list[Piece]) -> tuple[Piece | None, str]:
    """The first piece that ends nothing, or the last that is never ended."""
    begun: list[tuple[str, Piece]] = []
    for piece in pieces:
        word = piece.inner.partition(" ")[0] if piece.kind == "{%" else ""
        if word in {"if", "for"}:
            begun.append((word, piece))
            continue
        if word not in _ENDS:
            continue
        inside = begun[-1][0] if begun else None
        if word == "else" and inside == "for":
            continue
        if inside != _ENDS[word]:
            open_one = f"{{% {inside} %}} is still open" if inside else f"no {{% {_ENDS[word]} %}} is open"
            return piece, f"{open_one} here" + (
                f"; write {{% end{inside} %}} before it" if inside else "; take it away"
            )
        if word.startswith("end"):
            begun.pop()
    if begun:
        word, piece = begun[-1]
        return piece, f"this is never ended; write {{% end{word} %}} behind what belongs to it"
    return None, ""


_UNFIT = (
    (re.compile(r"invalid literal for int\(\) with base 10: (.*)", re.DOTALL), r"\1 is no whole number"),
    (re.compile(r"could not convert string to float: (.*)", re.DOTALL), r"\1 is no number"),
    (
        re.compile(r"'\S+' not supported between instances of .*"),
        "text, numbers and lists cannot be compared with each other",
    ),
    (re.compile(r"argument of type .* is not (?:iterable|a container).*"), "`in` asks a text or a list"),
)


def unfit(error: Exception) -> str:
    """Why a value cannot be used as a template uses it, without the words of the language that it is written in."""
    said = str(error)
    return next((found.expand(ours) for theirs, ours in _UNFIT if (found := theirs.fullmatch(said))), said)
