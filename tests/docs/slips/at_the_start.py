"""What keeps a relay of somebody new from starting."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
from pathlib import Path

from relay.store.sealing import read_keys
from tests.docs.newcomer import ledger_of
from tests.docs.slips.provoked import says

ROOT = Path(__file__).parents[3]
KEY, OTHER_KEY = ("A" * 43 + "=", "B" * 42 + "A=")


@says("Python 3.11 or newer is needed")
async def an_old_python(new):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (new.folder / name).write_bytes((ROOT / name).read_bytes())
    return new.run("make", "demo", "PYTHON=false")


@says("cannot listen on 127.0.0.1:…: address already in use")
async def a_taken_port(new):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        return new.start("--listen", f"127.0.0.1:{other.getsockname()[1]}")


@says("another relay (process …) already serves the ledger …; stop it first")
async def a_second_relay(new):
    async with ledger_of(new):
        return new.start()


@says("cannot be locked: … Check that its folder exists and can be written")
async def no_folder(new):
    new.add("store: sqlite:///nowhere/relay.db\n")
    return new.start()


@says("was written by a newer version of the relay; use that version, or a backup")
async def a_newer_ledger(new):
    async with ledger_of(new):
        pass
    with contextlib.closing(sqlite3.connect(new.folder / "relay.db")) as file, file:
        file.execute("update _sqlite_migrations set name = 'of_tomorrow' where name = 'first'")
    return new.start()


@says("is no ledger, or it is damaged …; name another file, or restore a backup")
async def a_damaged_ledger(new):
    (new.folder / "relay.db").write_bytes(b"these are no pages of a database " * 999)
    return new.start()


@says("is a database of something else (it has a table …); name another file")
async def somebody_elses_database(new):
    with contextlib.closing(sqlite3.connect(new.folder / "relay.db")) as file:
        file.execute("create table recipes (name)")
    return new.start()


@says("is sealed: set RELAY_ENCRYPTION_KEY to the key that it was sealed with")
async def a_sealed_ledger(new):
    async with ledger_of(new, keys=read_keys({"RELAY_ENCRYPTION_KEY": KEY})):
        pass
    return new.start()


@says("is sealed with another key than RELAY_ENCRYPTION_KEY")
async def another_key(new):
    async with ledger_of(new, keys=read_keys({"RELAY_ENCRYPTION_KEY": KEY})):
        pass
    return new.start(RELAY_ENCRYPTION_KEY=OTHER_KEY)


@says("the admin listener would be open to anybody on 0.0.0.0: set RELAY_ADMIN_TOKEN, or listen on 127.0.0.1")
async def an_open_dashboard(new):
    return new.start("--admin", "0.0.0.0:0")
