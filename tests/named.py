"""Which functions stand in a file of tests, for tables that name them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def functions_of(file: str) -> frozenset[str]:
    """The names of a file's functions; the file is named from the folder of the tests."""
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return frozenset(node.name for node in functions)
