"""How much of a long search is done: a little of it in every run of the suite, the whole in a soak."""

from __future__ import annotations

import os

LONG = "TESTS_LONG"
"""tests/soak/soak_searches.py sets it."""


def sized(few: int, many: int) -> int:
    """So many examples, requests or calls: `few`, or in a soak `many`."""
    return many if os.environ.get(LONG) else few
