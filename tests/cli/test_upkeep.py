"""`prune`, `backup` and `texts on --after-restore`: on the file, and what they tell."""

import asyncio
import shutil
from pathlib import Path

import pytest

from relay.store.sqlite import SqliteStore
from tests.store.ledger import DAY, NOW, accept, event, nothing_owed, owe, plan, text


@pytest.fixture
def kept(folder):
    """A ledger with a call of long ago, and a text that is owed."""

    async def fill():
        store = SqliteStore(folder / "relay.db")
        await accept(store, event("old", at=NOW - 400 * DAY, transcription="words"))
        await plan(store, nothing_owed)
        await owe(store, text("t1"))
        await store.close()

    asyncio.run(fill())
    return folder / "relay.db"


def test_what_would_go_is_told_first_and_then_goes(run, kept, quiet):
    would = run("prune", "--dry-run", "--json").json
    assert (would["rows"]["events"], would["done"]) == (1, True)
    assert "events: 1 would go" in run("prune", "--dry-run").out
    went = run("prune", "--json").json
    assert went["rows"]["events"] == 1
    assert went["bytes_after"] <= went["bytes_before"]
    assert run("prune", "--json").json["rows"]["events"] == 0
    assert [one["call_id"] for one in run("events", "--json").json["events"]] == ["call-of-t1"]


def test_a_backup_is_made_proved_and_put_back_without_its_texts(run, kept, folder):
    made = run("backup", folder / "copies", "--json").json
    assert (made["events"], made["deliveries"], made["wrong"]) == (2, 1, [])
    proved = run("backup", "--verify", made["file"])
    assert (proved.code, proved.out.splitlines()[1]) == (
        0,
        f"sound: 2 events, 1 deliveries, {made['bytes'] / 1e6:.1f} MB",
    )
    shutil.copy(made["file"], kept)
    assert run("texts", "on", "--json").json == {"texts": "held after a restore"}
    assert "relay texts on --after-restore" in run("texts").err
    assert run("texts", "on", "--after-restore", "--json").json == {"texts": "on", "suppressed": 1}
    assert run("texts", "--json").json["restored"] is False


def test_a_backup_that_is_not_what_it_was_is_exit_6(run, kept, folder):
    made = Path(run("backup", folder / "copies", "--json").json["file"])
    with made.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)
    ran = run("backup", "--verify", made)
    assert ran.code == 6
    assert ran.err


def test_a_database_is_backed_up_by_its_server(run, folder, postgres):
    ran = run("--store", postgres, "backup", folder / "copies")
    assert ran.code == 3
    assert "pg_dump" in ran.err


def test_what_cannot_be_backed_up_says_why(run, kept, folder):
    assert run("backup").code == 2
    assert run("backup", "--verify", folder / "nothing.db").code == 4
    assert run("--store", f"sqlite:///{folder}/none.db", "backup", folder / "copies").code == 3
    for place, why in ((kept, "a file of that name is in the way"), (kept / "below", "a part of that path is a file")):
        ran = run("backup", place)
        assert (ran.code, ran.out, ran.err) == (1, "", f"{place} cannot be written: {why}; name a folder\n")
