from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.store.sealing import SETTING, read_keys
from relay.store.sqlite import SqliteStore
from tests.store.contract import StoreContract

if TYPE_CHECKING:
    from pathlib import Path

KEYS = read_keys({SETTING: "ZmFsc2Uga2V5IHRoYXQgc2VhbHMgb25seSB0ZXN0cyE="})


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


class TestSealed(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path):
        opened = SqliteStore(tmp_path / "relay.db", keys=KEYS)
        yield opened
        await opened.close()

    @pytest.fixture
    async def reopen(self, store: SqliteStore, tmp_path: Path):
        opened = []

        async def again():
            await store.close()
            opened.append(SqliteStore(tmp_path / "relay.db", keys=KEYS))
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
