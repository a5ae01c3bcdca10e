"""YAML as people mean it: every scalar stays text, nothing is said twice, and the place of everything is known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from relay.errors import ConfigError, Mistake
from relay.settings.env_file import remedy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from relay.forms import Path as Place

MOST_BYTES = 256 * 1024
DEEPEST = 24
_VARIABLE = re.compile(
    r"\$\$|\$\{(?:file:(?P<file>[^}]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?)\}|\$\{[^}]*\}?"
)
_QUOTED = re.compile(r"`([^`…]+)…?`")


@dataclass
class Document:
    """A file as plain dicts, lists and text, with the mistakes found so far."""

    path: Path
    tree: Any = None
    text: str = ""
    """As it is written."""
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)
    expanded: set[Place] = field(default_factory=set)
    """Places whose text came from outside the file."""
    variables: set[str] = field(default_factory=set)
    """Names of environment variables that the file asks for."""
    unfilled: set[Place] = field(default_factory=set)
    """Places that hold a variable which could not be filled in: nothing more need be said of them."""
    _keys: dict[Place, tuple[int, int]] = field(default_factory=dict)
    _values: dict[Place, tuple[int, int]] = field(default_factory=dict)
    _last_lines: dict[Place, int] = field(default_factory=dict)
    """Of a text that stands on several lines."""

    def complain(self, place: Place, message: str) -> None:
        """Note a mistake. One that begins by quoting the key itself points at the key, else at the value."""
        if place in self.unfilled:
            return
        self.mistakes.append(Mistake(str(self.path), *self.position(place, message), message))

    def warn(self, place: Place, message: str) -> None:
        """Note what is allowed, but worth a look."""
        self.warnings.append(Mistake(str(self.path), *self.position(place, message), message))

    def position(self, place: Place, message: str = "") -> tuple[int, int]:
        """Line and column of a place, counted from 1; of the nearest place above it that stands in the file.

        In a text of several lines it is where the words stand that the message quotes.
        """
        if place in self._last_lines and (quoted := _QUOTED.search(message)):
            lines = self.text.split("\n")
            for number in range(self._values[place][0], self._last_lines[place] + 1):
                if (column := lines[number - 1].find(quoted[1])) >= 0:
                    return number, column + 1
        while place:
            about_key = message.startswith(f"`{place[-1]}`") or place not in self._values
            known = self._keys.get(place) if about_key else self._values.get(place)
            known = known or self._values.get(place) or self._keys.get(place)
            if known is not None:
                return known
            place = place[:-1]
        return self._values.get((), (1, 1))

    def knows(self, place: Place) -> bool:
        """Whether something stands at this very place of the file."""
        return place in self._values

    def raise_mistakes(self) -> None:
        """End here if anything is wrong.

        Raises:
            ConfigError: with every mistake found, in the order of the file.
        """
        if self.mistakes:
            raise ConfigError(sorted(set(self.mistakes)))

    def build(self, node: yaml.Node, place: Place = ()) -> Any:
        """Plain values from YAML's nodes."""
        self._values.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.ScalarNode) and node.end_mark.line > node.start_mark.line:
            self._last_lines[place] = node.end_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*place, index)) for index, item in enumerate(node.value)]
        if not getattr(node, "style", None) and node.value in {
            "",
            "~",
            "null",
        }:  # plain: one reader says None, the other an empty text
            return None
        return node.value

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in node.value:
            mark = (key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self.mistakes.append(Mistake(str(self.path), *mark, "a key is plain text; merging (<<) is not read"))
                continue
            inner = (*place, key.value)
            if key.value in built:
                self.mistakes.append(Mistake(str(self.path), *mark, f"`{key.value}` stands here twice; remove one"))
                continue
            self._keys[inner] = mark
            built[key.value] = self.build(value, inner)
        return built


def _remedy(error: OSError) -> str:
    """What to do where the configuration cannot be read."""
    match error:
        case IsADirectoryError():
            return "Name a file; a container to which a file is mounted that is not there gets such a folder"
        case PermissionError():
            return (
                "The user whom the relay runs as must be able to read it: chown it, or chmod 644 if it holds no secret"
            )
    return "`relay init` writes one"


def read_document(path: Path) -> Document:
    """The file as it is written, its variables not yet filled in.

    Raises:
        ConfigError: it cannot be read, is no YAML, or uses what is refused (aliases, tags, several documents).
    """
    document = Document(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            [Mistake(str(path), 0, 0, f"the file cannot be read: {error.strerror}. {_remedy(error)}")]
        ) from None
    if len(raw) > MOST_BYTES:
        raise ConfigError([Mistake(str(path), 0, 0, f"the file is larger than {MOST_BYTES // 1024} KiB")])
    try:
        text = document.text = raw.decode("utf-8")
        _refuse_tricks(document, text)
        node = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError:
        raise ConfigError([Mistake(str(path), 0, 0, "the file is not UTF-8")]) from None
    except RecursionError:
        raise ConfigError([Mistake(str(path), 0, 0, "the file is nested too deeply")]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = _within(text, mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = error.problem or error.context or ""
        line, hint = _explained(said, text, line)
        message = f"this is no YAML: {said}" + (f"; {hint}" if hint else "")
        raise ConfigError([Mistake(str(path), line, column, message)]) from None
    except yaml.YAMLError as error:
        raise ConfigError([Mistake(str(path), 1, 1, f"this is no YAML: {error}")]) from None
    if node is None:
        document.tree = {}
        return document
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError([Mistake(str(path), 1, 1, "the file is a mapping of sections: business, sources, rules …")])
    document.tree = document.build(node)
    return document


_HINTS = {
    "tab character": "indent with spaces",
    "cannot start any token": "indent with spaces, and put a value that begins with % @ or ` into quotes",
    "mapping values are not allowed": "quote a value that holds a colon, or indent this line as the one above",
    "could not find expected ':'": "behind a key stand a colon and a space, `mode: shadow`; see the line above too",
    "expected key": "this line is indented by too little or too much, or goes on behind a closing quote",
    "expected '-' indicator": "every entry of a list begins with - right below the one before; this one does not",
    "expected alphabetic or numeric": "put a value that begins with * or & into quotes",
    "expected node content": "a value is missing here, or a bracket was opened and never closed",
    "expected ',' or": "a bracket was opened and never closed",
    "unexpected end of stream": "a quote was opened and never closed",
}
"""What YAML's own words mean most of the time."""


def _explained(said: str, text: str, line: int) -> tuple[int, str]:
    """The line that is meant, and what YAML's words mean there; nothing where they speak for themselves."""
    lines = text.split("\n")
    if any(re.search("[\u201c\u201d\u2018\u2019]", written) for written in lines[line - 1 : line]):
        return line, "the curled quotes here are no quotes to YAML: write straight ones"
    if any(written.lstrip().startswith("//") for written in lines[max(0, line - 2) : line]):
        return line, "a remark begins with #"
    if broken := _quotes_in_quotes(text, line, last="end of stream" in said):
        return broken, "within double quotes write single ones: \"{{ caller.name | default('there') }}\""
    return line, next((hint for words, hint in _HINTS.items() if words in said), "")


def _within(text: str, line: int, column: int) -> tuple[int, int]:
    """The place, or the end of the text: to YAML a file that is cut off short ends below its last line."""
    last = text.count("\n") + 1
    return (line, column) if line <= last else (last, len(text) - text.rfind("\n"))


def _quotes_in_quotes(text: str, line: int, *, last: bool) -> int | None:
    """The line on which a template ends the quotes that it stands in: this one, or any, if all was read."""
    lines = list(enumerate(text.split("\n"), 1))
    suspects = lines if last else lines[line - 1 : line]
    return next((number for number, said in suspects if _BROKEN_QUOTES.search(said)), None)


_BROKEN_QUOTES = re.compile(r"""\"[^"]*\{[{%][^"}]*"[^"}]*[}"]""")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _refuse_tricks(document: Document, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        mark = event.start_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        trick = None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            trick = "anchors and aliases (& and *) are not read; write the value out"
        elif tag := getattr(event, "tag", None):
            trick = f"the tag {tag} is not read; every value is plain text"
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            trick = f"this is nested deeper than {DEEPEST} levels"
        if trick is not None:
            raise ConfigError([Mistake(str(document.path), *place, trick)])


def expand(document: Document, value: Any, environment: Mapping[str, str], place: Place = ()) -> Any:
    """The same values with ${NAME}, ${NAME:-default} and ${file:PATH} filled in; what is missing is a mistake."""
    if isinstance(value, dict):
        return {key: expand(document, inner, environment, (*place, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [expand(document, inner, environment, (*place, index)) for index, inner in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value
    problems: list[str] = []
    filled = _VARIABLE.sub(lambda match: _fill(document, match, environment, place, problems), value)
    for problem in problems:
        document.complain(place, problem)
    if problems:
        document.unfilled.add(place)
    return filled


def _fill(
    document: Document, match: re.Match[str], environment: Mapping[str, str], place: Place, problems: list[str]
) -> str:
    if match[0] == "$$":
        return "$"
    document.expanded.add(place)
    if match["file"] is not None:
        return _file(document, match["file"], problems)
    if match["name"] is None:
        problems.append(f"{match[0]} is no variable; write ${{NAME}}, ${{NAME:-default}} or ${{file:PATH}}")
        return match[0]
    document.variables.add(match["name"])
    found = environment.get(match["name"], "")
    if found or match["default"] is not None:
        return found or match["default"]
    what_to_do = remedy(document.path, match["name"], environment)
    problems.append(f"the environment variable {match['name']} is not set, or blank: {what_to_do}")
    return match[0]


_FILE_MOST = 256 * 1024


def _file(document: Document, name: str, problems: list[str]) -> str:
    path = document.path.parent / name
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size > _FILE_MOST):
            problems.append(
                f"{name} is no file of at most {_FILE_MOST // 1024} KiB: a device or a pipe could never end"
            )
            return name
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problems.append(f"the file {name} cannot be read: {why}. It is looked for beside this file")
        return name


def readable_by_others(path: Path) -> bool:
    """Whether anybody on this machine may read the file; no, when it is gone meanwhile."""
    try:
        return bool(path.stat().st_mode & 0o004)
    except OSError:
        return False
