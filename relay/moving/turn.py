"""Whose turn it is: the moves of one ledger are made by one process at a time, a relay or a command of the shell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from relay.store.nodes import ALIVE, Node

Once: TypeAlias = Callable[[str, Callable[[], Awaitable[None]]], Awaitable[Node | None]]
"""Does a piece of work while its duty is held; answers who has the duty where that is somebody else."""


async def at_once(_duty: str, work: Callable[[], Awaitable[None]]) -> None:
    """Where nobody else can be at work."""
    await work()


def busy_elsewhere(holder: Node | None, *, begun: bool) -> str:
    """Why nothing is done now, or nothing more, and what to do."""
    who = "another process" if holder is None else f"process {holder.pid} on {holder.host}"
    look = "`relay numbers history` shows how far it is"
    if begun:
        now = "nobody makes the moves now; do this again" if holder is None else f"{who} makes the moves now"
        return f"this process stood still for too long to go on, and {now}: {look}"
    return (
        f"{who} makes moves of numbers now, and only one process may: {look}. Do this again once it has ended; if it "
        f"was killed, {ALIVE:g} seconds after that"
    )
