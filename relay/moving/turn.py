"""Whose turn it is: the moves of one ledger are made by one process at a time, a relay or a command of the shell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from relay.moving.refused import Refused
from relay.store.nodes import ALIVE, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.store import Store

Once: TypeAlias = Callable[[str, Callable[[], Awaitable[None]]], Awaitable[Node | None]]
"""Does a piece of work while its duty is held; answers who has the duty where that is somebody else."""


async def at_once(_duty: str, work: Callable[[], Awaitable[None]]) -> None:
    """Where nobody else can be at work."""
    await work()


class Turn:
    """This process among those that could make moves."""

    DUTY: ClassVar[str] = "numbers' runs"
    """What one relay does for all that share a ledger."""

    def __init__(self, store: Store, once: Once = at_once) -> None:
        """`once` does something while nobody else on the ledger has the duty, or answers who has it."""
        self.serves = False
        """Whether this relay makes the moves for all that share the ledger."""
        self.alone = False
        """Whether this process makes moves just now as no relay does."""
        self._store = store
        self._once = once
        self._asked = asyncio.Lock()

    @property
    def ours(self) -> bool:
        """Whether nobody but this process makes moves now."""
        return self.serves or self.alone

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """For as long as this relay makes the moves for all."""
        self.serves = True
        try:
            yield
        finally:
            self.serves = False

    def call_others(self) -> None:
        """Wake the relay that makes the moves for all."""
        self._store.call_others(self.DUTY)

    async def take(self, deed: Callable[[], Awaitable[dict[str, Any]]], again: str = "do this again") -> dict[str, Any]:
        """Do what makes moves as the only one: of two, each would note as `before` what the other made.

        Beside a relay that has the duty it is done with neither `serves` nor `alone`: the moves are left to that one.
        `again` says what to do once it may be done.

        Raises:
            Refused: another process of a shell makes moves, or this one stood still for too long.
        """
        if self.serves:
            return await deed()
        begun, came = False, list[dict[str, Any]]()

        async def by_itself() -> None:
            nonlocal begun
            begun = self.alone = True
            try:
                came.append(await deed())
            finally:
                self.alone = False

        async with self._asked:
            holder = await self._once(self.DUTY, by_itself)
        if came:
            return came[0]
        if holder is not None and "worker" in holder.roles and not begun:
            return await deed()
        raise Refused(_busy_elsewhere(holder, again, begun=begun))


def _busy_elsewhere(holder: Node | None, again: str, *, begun: bool) -> str:
    """Why nothing is done now, or nothing more, and what to do."""
    who = "another process" if holder is None else f"process {holder.pid} on {holder.host}"
    look = "`relay numbers history` shows how far it is"
    if begun:
        now = f"nobody makes the moves now; {again}" if holder is None else f"{who} makes the moves now"
        return f"this process stood still for too long to go on, and {now}: {look}"
    return (
        f"{who} makes moves of numbers now, and only one process may: {look}. Once it has ended (if it "
        f"was killed, {ALIVE:g} seconds after that), {again}"
    )
