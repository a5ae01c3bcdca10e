"""Two relays on one PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.store.postgres import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def two(postgres: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two relays' stores on one database."""
    stores = await PostgresStore.open(postgres), await PostgresStore.open(postgres)
    yield stores
    for store in stores:
        await store.close()
