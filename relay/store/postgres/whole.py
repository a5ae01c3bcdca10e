"""A database as one end of a copy: raw rows, whatever is sealed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from relay.errors import StoreBusy, StoreUnusable
from relay.store.postgres.address import read_address
from relay.store.postgres.engine import Engine, connect_pool
from relay.store.postgres.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.store.postgres.connection import ServerConnection

T = TypeVar("T")


class DatabaseEnd:
    """The database, its schema brought up to date."""

    def __init__(self, engine: Engine, place: str) -> None:
        self.place = place
        self._engine = engine

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect.

        Raises:
            StoreUnusable: the database cannot be used.
        """
        address = read_address(url)
        pool = await connect_pool(address, writes=True)
        async with pool.acquire() as raw:
            await migrate(raw)
        return cls(Engine(pool, address), address.place)

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
