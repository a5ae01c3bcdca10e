from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.store.sqlite import SqliteStore
from tests.store.contract import StoreContract

if TYPE_CHECKING:
    from pathlib import Path


class TestOnAFile(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path):
        opened = SqliteStore(tmp_path / "relay.db")
        yield opened
        await opened.close()

    @pytest.fixture
    async def reopen(self, store: SqliteStore, tmp_path: Path):
        opened = []

        async def again():
            await store.close()
            opened.append(SqliteStore(tmp_path / "relay.db"))
            return opened[-1]

        yield again
        for one in opened:
            await one.close()


class TestInMemory(StoreContract):
    @pytest.fixture
    async def store(self):
        opened = SqliteStore(None)
        yield opened
        await opened.close()

    @pytest.fixture
    def reopen(self):
        pytest.skip("what is in memory ends with its process")
