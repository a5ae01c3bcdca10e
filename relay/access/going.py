"""Where a browser may be sent on to: a path of ours and nothing else."""

from __future__ import annotations

import re

# Browsers, and the library that writes the header, drop tabs and ends of lines, and read `\\` as `/`.
_LOCAL = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?", re.ASCII)


def local_path(written: str) -> str:
    """The path with its query, as it is written in an address; the start page in place of what could lead elsewhere."""
    return written if _LOCAL.fullmatch(written) else "/"
