import asyncio

import pytest

from relay.store.sqlite import SqliteStore
from tests.store.ledger import accept, event


@pytest.fixture
def kept(folder):
    """A ledger with two calls."""

    async def fill():
        store = SqliteStore(folder / "relay.db")
        await accept(store, event("call-1"), event("call-2"))
        await store.close()

    asyncio.run(fill())
    return folder / "relay.db"


def test_a_ledger_is_copied_into_a_database_and_proved(run, kept, postgres):
    ran = run("store", "copy", f"sqlite:///{kept}", postgres)
    assert ran.code == 0, ran.err
    assert "the same on both sides" in ran.out
    assert run("events", "--store", postgres, "--json").json == run("events", "--json").json


def test_what_cannot_be_copied_says_why(run, kept, folder, postgres):
    assert run("store", "copy", f"sqlite:///{kept}", f"sqlite:///{kept}").code == 2
    assert run("store", "copy", "mysql://x/y", postgres).code == 2
    ran = run("store", "copy", f"sqlite:///{folder}/none.db", postgres)
    assert (ran.code, "there is no ledger at" in ran.err) == (4, True)
    assert list(folder.glob("none.db*")) == []
