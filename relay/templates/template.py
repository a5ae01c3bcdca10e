"""Templates, compiled once and rendered often."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateSyntaxError, Undefined
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from relay.errors import RelayError, TemplateError
from relay.templates.escaping import PLAIN, Escaping, Safe
from relay.templates.filters import FILTERS
from relay.templates.grammar import BOUNDED, LOOP_FACTS, read
from relay.templates.slips import explain, unfit
from relay.templates.values import JOINT, Missing, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    import jinja2

SOURCE_MOST = 8 * 1024
"""Bytes of a template's source."""
OUTPUT_MOST = 4 * 1024
"""Characters of what a template says, unless the caller allows more."""
_LOOP_MOST = 200
_SURROGATES = re.compile("[\ud800-\udfff]")
_TOO_MUCH = (SyntaxError, RecursionError, MemoryError, ValueError, OverflowError)
_OPENERS = ("{{", "{%", "{#")


@dataclass(frozen=True)
class Template:
    """One text with values put into it; made by `compile_template`."""

    source: str
    names: frozenset[str]
    """The dotted names it uses: caller.number, steps.crm.url."""
    constant: bool
    """True when nothing is put into it."""
    escaping: Escaping = PLAIN
    _compiled: jinja2.Template | None = field(default=None, repr=False, compare=False)

    def render(self, context: Mapping[str, Any], cap: int = OUTPUT_MOST) -> str:
        """The text with values from `context`: plain dicts, lists, text, numbers, true, false and None.

        Raises:
            Blank: a name has no value and no default.
            TemplateError: the text is longer than `cap` characters, or a value is no plain one.
        """
        pieces, size = [], 0
        try:
            for piece in self._pieces(context):
                size += len(piece)
                if size > cap:
                    raise TemplateError(f"the text would be longer than {cap} characters; shorten it with truncate")
                pieces.append(piece)
        except RelayError:
            raise
        except (ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
            raise TemplateError(f"a value cannot be used so: {unfit(error)}") from error
        return "".join(pieces)

    def __reduce__(self) -> tuple[Any, ...]:
        """Carried to another process as its text, and compiled there."""
        return _compile, (self.source, self.escaping)

    def _pieces(self, context: Mapping[str, Any]) -> Any:
        if self._compiled is None:
            return (self.source,)
        return self._compiled.root_render_func(self._compiled.new_context(context, shared=True))  # type: ignore[arg-type]  # our Context only reads


class _Names(Context):
    """Looks up a whole dotted name at once; null counts as missing, and only plain containers are entered."""

    def resolve_or_missing(self, key: str) -> Any:
        found: Any = self.parent
        for part in key.split(JOINT):
            found = _enter(found, part)
            if found is None:
                return missing
        return found


def _enter(holder: Any, key: str | int) -> Any:
    """One step down, None when there is nothing."""
    if isinstance(holder, (dict, Mapping)):
        return holder.get(key)
    if isinstance(holder, (list, tuple)) and str(key).isdigit():
        place = int(key)
        return holder[place] if place < len(holder) else None
    return None


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox without any way out of plain data."""

    context_class = _Names

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, LoopContext) and argument in LOOP_FACTS:
            return getattr(obj, argument)
        found = None if isinstance(obj, Undefined) else _enter(obj, argument)
        above = obj.path if isinstance(obj, Missing) else "a value"
        return Missing(name=f"{above}.{argument}") if found is None else found


def _bounded(words: str, value: Any) -> Any:
    """What a loop may go over.

    Raises:
        TemplateError: it is no list, or a very long one.
    """
    if isinstance(value, Undefined):
        str(value)
    if not isinstance(value, (list, tuple)):
        raise TemplateError(f"{words} is no list, so no loop can go over it")
    if len(value) > _LOOP_MOST:
        raise TemplateError(f"{words} has more than {_LOOP_MOST} entries")
    return [Missing(name=f"an entry of {words}") if item is None else item for item in value]


@functools.cache
def _environment(escaping: Escaping) -> _Environment:
    escape = escaping.escape

    def finalize(value: Any) -> str:
        if isinstance(value, Safe):
            return value
        text = plain(value)
        return escape(text if text.isascii() else _SURROGATES.sub("\ufffd", text))

    environment = _Environment(
        undefined=Missing,
        finalize=finalize,
        autoescape=False,
        keep_trailing_newline=True,
        optimized=False,
        cache_size=0,
    )
    environment.globals = {}
    environment.filters = _Filters()
    environment.tests = {
        "defined": lambda value: not isinstance(value, Undefined),
        "undefined": lambda value: isinstance(value, Undefined),
    }
    return environment


class _Filters(dict[str, Any]):
    """The filters as they are now, those registered after the environment was made included."""

    def __missing__(self, name: str) -> Any:
        return _bounded if name == BOUNDED else FILTERS[name]

    def __contains__(self, name: object) -> bool:
        return name == BOUNDED or name in FILTERS

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 - dict.get would not ask __missing__


def compile_template(
    source: str, escaping: Escaping = PLAIN, *, complain: Callable[[str], str | None] | None = None
) -> Template:
    """Read a template; the same text and escaping are compiled once.

    `complain` is asked about each dotted name and answers what is wrong with it, or None.

    Raises:
        TemplateError: what is wrong and what to do, with its offset in the source.
    """
    template = _compile(source.replace("\r\n", "\n"), escaping)
    if complain is None:
        return template
    for name in sorted(template.names):
        complaint = complain(name)
        if complaint:
            raise TemplateError(complaint, column=_place(template.source, _name_pattern(name)))
    return template


@functools.lru_cache(maxsize=4096)
def _compile(source: str, escaping: Escaping) -> Template:
    if len(source.encode(errors="replace")) > SOURCE_MOST:
        raise TemplateError(f"a template may have {SOURCE_MOST} bytes at most")
    if not any(opener in source for opener in _OPENERS):
        return Template(source, frozenset(), constant=True, escaping=escaping)
    environment = _environment(escaping)
    try:
        tree = environment.parse(source)
        grammar = read(tree, functools.partial(_place, source))
        compiled = environment.from_string(tree)
    except TemplateSyntaxError as error:
        said = (error.message or "it cannot be read").rstrip(".")
        raise TemplateError(*explain(source, said, functools.partial(_reads, environment))) from None
    except _TOO_MUCH:
        raise TemplateError("this is nested too deeply, or holds a number too long") from None
    return Template(source, frozenset(grammar.names), grammar.constant, escaping, compiled)


def _reads(environment: _Environment, source: str) -> bool:
    """Whether a piece can be read by itself."""
    try:
        environment.parse(source)
    except (TemplateSyntaxError, *_TOO_MUCH):
        return False
    return True


def _name_pattern(name: str) -> str:
    return r"\b" + r"\W+".join(re.escape(part) for part in name.split(".")) + r"\b"


def _place(source: str, pattern: str) -> int:
    """The offset of a pattern inside the expressions of a template; of its first expression when it is not found."""
    inside = list(re.finditer(r"\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)", source, re.DOTALL))
    for span in inside:
        found = re.compile(pattern).search(source, span.start(), span.end()) if pattern else None
        if found:
            return found.start()
    return inside[0].start() if inside else 0
