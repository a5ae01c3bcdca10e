"""Programs that are killed, or are no part of the relay: what coverage would see of them is never written down."""

from __future__ import annotations

import os


def environment() -> dict[str, str]:
    """This process's own, without what would have coverage watch a child, which costs half of its time again."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}
