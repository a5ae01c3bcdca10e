"""What a template may say: an allow-list over Jinja's syntax tree, which also gathers the names that it uses.

Every dotted name (`caller.number`) becomes one identifier, so that a missing one is named whole and looked up at once.
"""

from __future__ import annotations

import difflib
import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from relay.errors import TemplateError
from relay.templates.filters import FILTERS
from relay.templates.values import JOINT

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNDED = "bounded for a loop"
"""The filter put around what a loop goes over; no template can spell it."""
LOOP_FACTS = frozenset({"index", "index0", "first", "last", "length"})
_DEEPEST_LOOP = 2
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*", re.ASCII)
_ARITHMETIC = "no arithmetic here (+ - * / // % ** ~); compute it before, or use a filter"
_SAYING: dict[type[nodes.Node], str] = {
    nodes.Call: "nothing can be called here; use a filter, like {{ value | upper }}",
    nodes.CallBlock: "macros and calls cannot be used here",
    nodes.Macro: "macros cannot be used here",
    nodes.Include: "other templates cannot be included; write the text out",
    nodes.Import: "other templates cannot be imported; write the text out",
    nodes.FromImport: "other templates cannot be imported; write the text out",
    nodes.Extends: "other templates cannot be extended; write the text out",
    nodes.Block: "blocks cannot be used here",
    nodes.Assign: "{% set %} cannot be used here; write the value where it is needed",
    nodes.AssignBlock: "{% set %} cannot be used here; write the value where it is needed",
    nodes.FilterBlock: "{% filter %} cannot be used here; put the filter behind each value",
    nodes.Slice: "parts of a text cannot be cut out with [:]; use truncate",
    **dict.fromkeys(
        (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Concat, nodes.Pos),
        _ARITHMETIC,
    ),
}
_ALLOWED = {
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.List,
    nodes.Tuple,
    nodes.Keyword,
}


class _Wrong(Exception):
    """What is wrong, and a pattern that finds the place."""

    def __init__(self, message: str, pattern: str = "") -> None:
        super().__init__(message)
        self.pattern = pattern


@dataclass
class Grammar(NodeTransformer):
    """Reads one template's tree: refuses what is not allowed and joins dotted names; use `read`."""

    names: set[str] = field(default_factory=set)
    constant: bool = True
    _locals: list[str] = field(default_factory=list)

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        """Refuse every kind of node that is not named here."""
        if type(node) not in _ALLOWED:
            raise _Wrong(_SAYING.get(type(node), "this cannot be used here"))
        self.constant = self.constant and isinstance(node, (nodes.Template, nodes.Output, nodes.TemplateData))
        return super().visit(node, *args, **kwargs)

    def visit_Name(self, node: nodes.Name) -> nodes.Name:  # noqa: N802 - Jinja's visitor calls it so
        """A name by itself."""
        _require_name(node.name)
        if node.name not in self._locals:
            self.names.add(node.name)
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - as above
        """A dotted name, or a field of what a filter answered."""
        _require_name(node.attr)
        return self._part(node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - as above
        """`raw['Some Key']` or `items.0`."""
        if isinstance(node.arg, nodes.Slice):
            raise _Wrong(_SAYING[nodes.Slice], r"\[")
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            raise _Wrong("between [ and ] only a fixed text or number can stand", r"\[")
        if isinstance(key, str) and key.startswith("_"):
            raise _Wrong("names that start with an underscore are not for templates", re.escape(key))
        return self._part(node)

    def _part(self, node: nodes.Getattr | nodes.Getitem) -> nodes.Node:
        whole = self._joined(node)
        if whole is None:
            node.node = self.visit(node.node)
            return node
        self.names.add(whole.replace(JOINT, "."))
        return nodes.Name(whole, "load", lineno=node.lineno, environment=node.environment)

    def _joined(self, node: nodes.Node) -> str | None:
        """The whole dotted name as one identifier; None when it is not made of plain names from the outside."""
        if isinstance(node, nodes.Name):
            _require_name(node.name)
            return None if node.name in self._locals else node.name
        if isinstance(node, nodes.Getattr):
            _require_name(node.attr)
            key = node.attr
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            key = str(node.arg.value)
        else:
            return None
        above = self._joined(node.node)
        return f"{above}{JOINT}{key}" if above is not None and _NAME.fullmatch(key) else None

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802 - as above
        """`value | name(arguments)`; the filter is told in words what it works on."""
        place = rf"\|\s*{re.escape(node.name)}"
        if node.name not in FILTERS:
            near = difflib.get_close_matches(node.name, FILTERS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(sorted(FILTERS))}"
            raise _Wrong(f"there is no filter `{node.name}`; {hint}", place)
        if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise _Wrong(f"the filter {node.name} takes its arguments one by one", place)
        _require_fitting(node, place)
        words = nodes.Const(_words(node), lineno=node.lineno, environment=node.environment)
        subject = self.visit(node.node)
        node.args = [subject, *(self.visit(argument) for argument in node.args)]
        node.kwargs = [self.visit(argument) for argument in node.kwargs]
        node.node = words
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802 - as above
        """`is defined` and nothing else."""
        if node.name not in {"defined", "undefined"} or node.args or node.kwargs:
            raise _Wrong(f"`is {node.name}` cannot be used here; compare with == or use `is defined`", r"\bis\b")
        return self.generic_visit(node)

    def visit_Neg(self, node: nodes.Neg) -> nodes.Node:  # noqa: N802 - as above
        """The minus of a number."""
        if not isinstance(node.node, nodes.Const) or not isinstance(node.node.value, (int, float)):
            raise _Wrong(_ARITHMETIC, "-")
        return node

    def _fixed(self, node: nodes.List | nodes.Tuple) -> nodes.Node:
        if not all(isinstance(item, nodes.Const) for item in node.items):
            raise _Wrong("a list written out may hold only fixed texts and numbers", r"[\[(]")
        return node

    visit_List = visit_Tuple = _fixed  # noqa: N815 - Jinja's visitor calls them so

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - as above
        """A loop over a list from outside, at most two deep."""
        if node.recursive:
            raise _Wrong("a loop cannot be recursive", r"\bfor\b")
        if not isinstance(node.target, nodes.Name):
            raise _Wrong("a loop takes one name, like {% for tag in caller.tags %}", r"\bfor\b")
        if not isinstance(node.iter, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            raise _Wrong("a loop goes over a list by its name, like {% for tag in caller.tags %}", r"\bfor\b")
        if len(self._locals) >= _DEEPEST_LOOP * 2:
            raise _Wrong(f"loops can stand in each other {_DEEPEST_LOOP} deep at most", r"\bfor\b")
        _require_name(node.target.name)
        words = nodes.Const(_words(node.iter), lineno=node.lineno, environment=node.environment)
        over = self.visit(node.iter)
        node.iter = nodes.Filter(
            words, BOUNDED, [over], [], None, None, lineno=node.lineno, environment=node.environment
        )
        node.else_ = [self.visit(child) for child in node.else_]
        self._locals += [node.target.name, "loop"]
        node.test = self.visit(node.test) if node.test is not None else None
        node.body = [self.visit(child) for child in node.body]
        del self._locals[-2:]
        return node


def _require_name(name: str) -> None:
    if name.startswith("_"):
        raise _Wrong("names that start with an underscore are not for templates", rf"\b{re.escape(name)}")
    if name == "self":
        raise _Wrong("`self` means the template itself and cannot be used here", r"\bself\b")
    if not _NAME.fullmatch(name):
        raise _Wrong("names are written in plain letters, digits and underscores", re.escape(name))


def _require_fitting(node: nodes.Filter, place: str) -> None:
    """What stands in a filter's brackets must be what it takes."""
    takes = inspect.signature(FILTERS[node.name])
    try:
        takes.bind(None, *node.args, **{str(told.key): told for told in node.kwargs})
    except TypeError:
        wanted = ", ".join(list(takes.parameters)[1:])
        said = f"in its brackets stand {wanted}" if wanted else "it takes no brackets"
        raise _Wrong(f"the filter {node.name} cannot be used so; {said}", place) from None


def _words(node: nodes.Node | None) -> str:
    """An expression as the owner wrote it, near enough for a message."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            return f"{_words(node.node)}.{node.attr}"
        case nodes.Getitem(arg=nodes.Const(value=key)):
            return f"{_words(node.node)}.{key}"
        case nodes.Filter():
            return f"{_words(node.node)} | {node.name}"
    return "a value"


def read(tree: nodes.Template, place: Callable[[str], int]) -> Grammar:
    """Check the tree and join its names, in place; `place` finds the offset of a pattern in the source.

    Raises:
        TemplateError: something in it is not allowed; the message says what to write instead.
    """
    grammar = Grammar()
    try:
        grammar.visit(tree)
    except _Wrong as wrong:
        raise TemplateError(str(wrong), column=place(wrong.pattern)) from None
    return grammar
