"""Why a variable of relay.yaml has no value, as far as the file `.env` beside it tells, and what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = ".env"
_MOST = 256 * 1024


def remedy(config: Path, name: str, environment: Mapping[str, str]) -> str:
    """What to do so that the variable has a value; the file itself is read at the start alone, by the command line."""
    file = config.parent / NAME
    written = _line(file, name)
    if written is None and _has_colon(file, name):
        return f"its line in {file} has a colon; write {name}=, and the value behind it"
    if written is None:
        return f"write it into the file {NAME} beside this one, or set it before the start"
    note, value = written
    if value[:1] in {"'", '"'} and (len(value) == 1 or value[-1] != value[0]):
        return f"its line in {file} opens a quote and never closes it"
    if value.strip("'\"") and not note:
        if name in environment:
            return f"it is set to nothing in the environment, which wins over {file}; unset it there"
        return f"it stands in {file}, which is read at the start; start again"
    if note:
        return f"its line in {file} begins with #; take that away, and write the value behind the ="
    return f"its line in {file} ends at the =; write the value behind it"


def _line(file: Path, name: str) -> tuple[bool, str] | None:
    """The variable's last line: whether it is only a remark, and what stands behind its =."""
    pattern = rf"^[ \t]*(#?)[ \t]*(?:export[ \t]+)?{re.escape(name)}[ \t]*=[ \t]*(.*)$"
    lines = [(bool(found[1]), found[2].strip()) for found in re.finditer(pattern, _text(file), re.MULTILINE)]
    used = [line for line in lines if not line[0]]
    found = used or lines
    return found[-1] if found else None


def _has_colon(file: Path, name: str) -> bool:
    return re.search(rf"^[ \t]*{re.escape(name)}[ \t]*:", _text(file), re.MULTILINE) is not None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.is_file() and file.stat().st_size <= _MOST else ""
    except (OSError, UnicodeDecodeError):
        return ""
