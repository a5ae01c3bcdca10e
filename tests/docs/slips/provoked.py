"""The words of the page of troubles, each with what makes the relay say them."""

from __future__ import annotations

PROVOKED = {}
"""Filled by the files beside this one."""


def says(words):
    """The function provokes these words; it answers what the screen said."""

    def keep(provoke):
        PROVOKED[words] = provoke
        return provoke

    return keep
