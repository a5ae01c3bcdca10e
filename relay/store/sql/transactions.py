"""How a piece of SQL is run: within one transaction, which each engine makes in a way of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.store.sql.connection import Connection

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the I of item


class Transactions(ABC):
    """What a backend offers to the methods of the store protocol."""

    @abstractmethod
    async def _write(self, work: Callable[[Connection], T]) -> T:
        """Run a piece of work in a transaction; resumes after its commit."""

    async def _write_together(self, work: Callable[[Connection, Sequence[I]], Sequence[T]], item: I) -> T:
        """Run work that a backend may do for several items at once; by default for each alone."""
        return (await self._write(lambda connection: work(connection, [item])))[0]

    @abstractmethod
    async def _read(self, work: Callable[[Connection], T]) -> T:
        """Run a piece of work that only reads."""
