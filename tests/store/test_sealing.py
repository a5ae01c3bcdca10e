"""Under a key, neither the ledger's file nor its log nor its backups tell who called, from where, or what was said."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import StoreError, StoreUnusable
from relay.models import Owned, Plan, State, Verdict
from relay.models.queue import Finding
from relay.store import RequestNote
from relay.store.memories import Memory
from relay.store.sealing import SEALED, SETTING, read_keys
from relay.store.sql import sealing
from relay.store.sql.memories import remember
from relay.store.sql.sealing import KEPT
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.backup import back_up, verify
from tests.store.ledger import (
    NOW,
    accept,
    always,
    begin,
    claimed,
    event,
    plan,
    settle,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path

    from relay.store.seal import Seal

FIRST = "ZmFsc2Uga2V5IHRoYXQgc2VhbHMgb25seSB0ZXN0cyE="
SECOND = "YW5vdGhlciBmYWxzZSBrZXksIGZvciB0ZXN0cyBvbmw="
CALLER, OURS = "+13125550177", "+13125550188"
CANARY = "canary-4711"

# What no column of the ledger tells of a person: ids, times, states, the owner's own words, and counts.
TELLS_NOTHING = {
    "meta": "name value",
    "marks": "name",
    "events": "id source type key of_type",
    "verdicts": "event config",
    "rule_versions": "version name form",
    "deliveries": "id event run rule rule_version kind connector state",
    "attempts": "delivery outcome",
    "calls": "source key direction outcome",
    "texts": "id run rule state provider_id",
    "opt_outs": "person how",
    "tags": "tag",
    "once": "rule run",
    "numbers": "id group_name group_id status",
    "requests": "kind source",
    "alerts": "cause",
    "seen": "call type event",
    "counts": "name",
    "said_modes": "rule over mode",
    "memories": "connector",
    "traffic": "outcome",
    "ruled": "rule verdict",
    "acts": "what config",
    "unconfirmed": "event",
    "nodes": "id host version roles config",
    "duties": "name node",
    "rates": "name",
    "changes": "id run kind rule source target state",
    "number_runs": "id kind by state key why ask answered_by",
    "asked": "name what",
    "standings": "connector paused_by",
}


def keys(*written: str):
    return read_keys({SETTING: ",".join(written)})


async def fill(store: SqliteStore) -> None:
    """Every table, with words and numbers that are easy to find again."""
    called = event(
        "call-1",
        caller=CALLER,
        number=OURS,
        caller_name=f"{CANARY} name",
        transcription=f"{CANARY} said",
        ai_category="sales",
    )
    await accept(store, called)
    owed = text("t1", CALLER, event=called.id, lane=f"{CANARY} lane", notes={"note": CANARY})
    judged = Verdict("A", "ran", findings=(Finding("caller.name", "present", f"{CANARY} found", True),))
    await plan(store, always(Plan((judged,), (owed,), ((CALLER, "vip"),), (("A", f"{CANARY} once", "r"),))))
    [taken] = await claimed(store, "callscaler")
    sending = await begin(store, taken)
    done = taken.delivery.moved(State.DELIVERED, receipt={"id": CANARY}, reason=f"{CANARY} reason")
    assert sending.state is State.SENDING
    await settle(store, taken, State.DELIVERED, receipt=done.receipt, reason=done.reason)
    await store.opt_out(CALLER, now=NOW, how="by hand")
    await store.save_numbers([Owned(OURS, "pn_1", name=f"{CANARY} line", read_at=NOW)])
    note = RequestNote("refused", NOW, "phone", 401, f"{CANARY} why", "198.51.100.77", {"A": CANARY}, CANARY.encode())
    await store.note_request(note)
    await store.open_alert("disk", f"{CANARY} alert", f"{CANARY} remedy", now=NOW)


def plaintext(folder: Path) -> list[str]:
    """Where anything of it can be read, in any file of the folder."""
    secrets = (CANARY, CALLER, OURS, "5550177", "198.51.100.77", "sorry we missed you")
    return [
        f"{file.name}: {word}"
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for word in secrets
        if word.encode() in file.read_bytes()
    ]


async def test_no_file_of_a_sealed_ledger_tells_anything(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db", keys=keys(FIRST))
    await fill(store)
    assert plaintext(tmp_path) == []
    copy = back_up(tmp_path / "relay.db", tmp_path / "backups", NOW)
    assert verify(copy.file, thorough=True).wrong == ()
    await store.close()
    assert plaintext(tmp_path) == []


async def test_without_a_key_all_of_it_could_be_read(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    await fill(store)
    assert {found.partition(": ")[2] for found in plaintext(tmp_path)} >= {CANARY, CALLER, OURS, "198.51.100.77"}
    await store.close()


async def everything(store: SqliteStore) -> tuple[object, ...]:
    seen = await store.event("call-1")
    return (
        seen,
        await store.verdicts(seen.id),
        await store.deliveries(limit=9),
        await store.attempts("t1"),
        await store.texts(limit=9),
        await store.opt_outs(limit=9),
        await store.numbers(),
        await store.requests(limit=9),
        await store.alerts(),
        await store.events(limit=9, person=CALLER),
        await store.known("callscaler", "call-1"),
    )


async def test_what_is_sealed_is_read_as_it_was_written(tmp_path: Path):
    plain, sealed = SqliteStore(tmp_path / "plain.db"), SqliteStore(tmp_path / "sealed.db", keys=keys(FIRST))
    for store in (plain, sealed):
        await fill(store)
    assert await everything(plain) == await everything(sealed)
    assert not plain.sealed
    assert sealed.sealed
    for store in (plain, sealed):
        await store.close()


async def test_a_plain_ledger_is_sealed_when_it_is_first_opened_with_a_key(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    await fill(store)
    before = await everything(store)
    await store.close()
    store = SqliteStore(tmp_path / "relay.db", keys=keys(FIRST))
    assert plaintext(tmp_path) == []
    assert await everything(store) == before
    assert await store.opt_in(CALLER)
    await store.close()
    assert plaintext(tmp_path) == []


async def test_a_plain_ledger_is_read_beside_whoever_uses_it_as_it_is(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    await fill(store)
    beside = SqliteStore(tmp_path / "relay.db", read_only=True, keys=keys(FIRST))
    assert (await beside.event("call-1")).caller == CALLER
    await beside.close()
    await store.close()


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_sealed_ledger_opens_with_its_key_only_and_says_what_to_do(tmp_path: Path, read_only: bool):
    store = SqliteStore(tmp_path / "relay.db", keys=keys(FIRST))
    await store.close()
    with pytest.raises(StoreUnusable, match=f"is sealed: set {SETTING}"):
        SqliteStore(tmp_path / "relay.db", read_only=read_only)
    with pytest.raises(StoreUnusable, match="another key"):
        SqliteStore(tmp_path / "relay.db", read_only=read_only, keys=keys(SECOND))
    await SqliteStore(tmp_path / "relay.db", read_only=read_only, keys=keys(SECOND, FIRST)).close()


async def test_after_a_rotation_the_older_key_opens_nothing_and_the_newer_everything(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db", keys=keys(FIRST))
    await fill(store)
    before = await everything(store)
    await store.close()
    store = SqliteStore(tmp_path / "relay.db", keys=keys(SECOND, FIRST))
    assert await store.reseal() > 5
    await store.close()
    with pytest.raises(StoreUnusable, match="another key"):
        SqliteStore(tmp_path / "relay.db", keys=keys(FIRST))
    store = SqliteStore(tmp_path / "relay.db", keys=keys(SECOND))
    assert await everything(store) == before
    assert await store.opt_in(CALLER)
    await store.close()


async def test_what_connectors_remember_is_sealed_anew_too_however_much_it_is(tmp_path: Path):
    names = [f"evt-{nth}" for nth in range(1200)]
    store = SqliteStore(tmp_path / "relay.db", keys=keys(FIRST))
    for name in names:
        await store._write(partial(remember, memory=Memory("crm", name, {"id": name}, NOW)))
    await store.close()
    store = SqliteStore(tmp_path / "relay.db", keys=keys(SECOND, FIRST))
    assert await store.reseal() >= 1200
    await store.close()
    store = SqliteStore(tmp_path / "relay.db", keys=keys(SECOND))
    assert await store.memories("crm", names) == {name: {"id": name} for name in names}
    await store.close()


async def test_a_rotation_that_was_cut_short_is_done_again_and_holds_up_nobody(tmp_path: Path, monkeypatch):
    store = SqliteStore(tmp_path / "relay.db", keys=keys(FIRST))
    await fill(store)
    before = await everything(store)
    await store.close()
    store = SqliteStore(tmp_path / "relay.db", keys=keys(SECOND, FIRST))

    def fall(*_, **__):
        raise StoreError("the machine fell")

    with monkeypatch.context() as cut:
        cut.setattr(sealing, "reseal_keys", fall)
        with pytest.raises(StoreError, match="fell"):
            await store.reseal()
    await store.close()
    with pytest.raises(StoreUnusable, match="another key"):
        SqliteStore(tmp_path / "relay.db", keys=keys(SECOND))
    store = SqliteStore(tmp_path / "relay.db", keys=keys(SECOND, FIRST))
    assert await everything(store) == before
    called = (accept(store, event(f"call-{nth}", caller_name="Bob")) for nth in range(500, 540))
    done, *_ = await asyncio.gather(store.reseal(), *called)
    assert done > 5
    await store.close()
    store = SqliteStore(tmp_path / "relay.db", keys=keys(SECOND))
    assert sum(found.call.get("caller_name") == "Bob" for found in await store.events(limit=999)) == 40
    await store.close()


async def test_every_column_is_sealed_or_known_to_tell_nothing(tmp_path: Path):
    await SqliteStore(tmp_path / "relay.db").close()
    connection = sqlite3.connect(tmp_path / "relay.db")
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    held = {
        f"{table}.{column[1]}"
        for table in tables
        if not table.startswith(("_", "sqlite_"))
        for column in connection.execute(f"pragma table_info({table})")
        if column[2] in {"TEXT", "BLOB"}
    }
    connection.close()
    sealed = {f"{table}.{column}" for table, columns in SEALED.items() for column in columns.ways}
    known = {f"{table}.{column}" for table, columns in TELLS_NOTHING.items() for column in columns.split()}
    assert held - sealed - known == set(), "seal it (relay/store/sealing.py), or say here that it tells nothing"


async def test_a_damaged_value_is_told_as_such(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db", keys=keys(FIRST))
    await fill(store)
    await store._write(lambda connection: connection.execute("update events set call = substr(call, 1, 60)"))
    with pytest.raises(StoreError, match="damaged"):
        await store.event("call-1")
    await store.close()


@pytest.mark.parametrize("written", ["short", "YQ==", f"{FIRST},", f"{FIRST} {SECOND}", "é" * 44])
def test_a_key_that_is_none_is_refused_without_being_told(written: str):
    with pytest.raises(StoreUnusable, match="openssl rand -base64 32") as refused:
        read_keys({SETTING: written})
    assert written not in str(refused.value)


def test_no_key_is_no_seal_and_a_key_in_either_alphabet_is_the_same():
    assert read_keys({}) is None
    assert read_keys({SETTING: " "}) is None
    odd = "+/" * 21 + "+="
    kept = read_keys({SETTING: odd}).begin()[1]
    assert read_keys({SETTING: odd.replace("+", "-").replace("/", "_")}).unwrap(kept)
    assert FIRST not in repr(keys(FIRST))
    assert "AESSIV" not in repr(keys(FIRST).begin()[0])


@pytest.fixture(scope="module")
def seal() -> Seal:
    return keys(FIRST).begin()[0]


@given(st.text())
def test_whatever_is_sealed_is_opened_as_it_was(seal: Seal, said: str):
    for way in (seal.words, seal.keyed, seal.number):
        assert seal.open(way(said)) == said
    assert seal.open(seal.words(said.encode("utf-8", "surrogatepass"))) == said.encode("utf-8", "surrogatepass")


def test_words_look_different_each_time_and_numbers_always_the_same(seal: Seal):
    assert seal.words("Dana") != seal.words("Dana")
    assert seal.number(CALLER) == seal.number(CALLER) != CALLER
    assert seal.number("no number") == "no number"
    assert seal.number(None) is seal.words(None) is None
    assert seal.bound((CALLER, 5, "x"))[1:] == (5, "x")
    assert seal.bound({"a": CALLER})["a"] == seal.number(CALLER)


async def test_the_seal_itself_stands_in_the_ledger_sealed(tmp_path: Path):
    await SqliteStore(tmp_path / "relay.db", keys=keys(FIRST)).close()
    connection = sqlite3.connect(tmp_path / "relay.db")
    [kept] = connection.execute("select value from meta where name = ?", (KEPT,)).fetchone()
    connection.close()
    assert bytes(kept).startswith(b"gAAAA")
