"""A database as one end of a copy: raw rows, whatever is sealed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from relay.errors import StoreBusy, StoreUnusable
from relay.store.postgres.address import read_address
from relay.store.postgres.opening import open_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.store.postgres.connection import ServerConnection
    from relay.store.postgres.engine import Engine

T = TypeVar("T")


class DatabaseEnd:
    """The database, its schema brought up to date."""

    def __init__(self, engine: Engine, place: str) -> None:
        self.place = place
        self._engine = engine

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, and bring the schema up to date.

        Raises:
            StoreUnusable: the database cannot be used.
        """
        address = read_address(url)
        return cls(await open_engine(address, writes=True), address.place)

    async def run(self, work: Callable[[ServerConnection], T]) -> T:
        """Run a piece of work in a transaction.

        Raises:
            StoreUnusable: the database broke it off; what was copied before stays.
        """
        try:
            return await self._engine.run(work)
        except StoreBusy as error:
            raise StoreUnusable(f"{self.place}: {error}; the same command goes on where it stopped") from None

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.close()
