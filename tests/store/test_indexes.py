"""Every statement of the ledger is asked how it would be carried out: none may walk through a table that grows."""

from __future__ import annotations

import re
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from relay.intake import merge
from relay.models import Attempt, Plan, State, Verdict
from relay.store import ForeignText, RequestNote, Settlement, Want
from relay.store.sql import (
    alarms,
    arrivals,
    claiming,
    pages,
    planning,
    reading,
    replays,
    settling,
    standing,
    sums,
    upkeep,
)
from relay.store.sql import texts as listed
from relay.store.sql.facts import LedgerKnown
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.connection import FileConnection
from tests.store.ledger import (
    ANN,
    NOW,
    WINDOWS,
    address,
    always,
    becomes,
    event,
    judged,
    nobody_waits,
    owed,
    prefix,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from relay.models import Event, Known

GROWING = "events|deliveries|heads|attempts|traffic|ruled|calls|texts|verdicts|requests|opt_outs|tags|once|alerts"
WALK = re.compile(rf"SCAN ({GROWING})\b(?! USING INDEX events_unplanned)")
"""The index of what is not planned yet holds nothing else."""
ASKED = partial(dict, now=NOW, windows=WINDOWS, prefix=prefix, limit=10)


class Asking(FileConnection):
    """The connection of the ledger, which also asks how each statement would be carried out."""

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self.steps: list[str] = []
        self.walks: list[str] = []
        self.sorts: list[str] = []

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        if sql.split(maxsplit=1)[0] in {"select", "update", "delete", "with"}:
            steps = [row[3] for row in super().execute(f"explain query plan {sql}", values)]
            self.steps += steps
            self.walks += [f"{sql}: {step}" for step in steps if WALK.match(step)]
            self.walks += [f"{sql}: {step}" for step in steps if "AUTOMATIC" in step]
            self.sorts += [sql for step in steps if "TEMP B-TREE FOR ORDER BY" in step]
        return super().execute(sql, values)


@pytest.fixture
async def ledger(tmp_path: Path) -> Iterator[Asking]:
    store = SqliteStore(tmp_path / "relay.db")
    await store.close()
    connection = sqlite3.connect(tmp_path / "relay.db", factory=Asking, isolation_level=None)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def looks_at_everything(event: Event, known: Known) -> Plan:
    known.caller()
    known.number()
    known.ran("A", "x")
    known.text(ANN, run="r", rule="A", shadow=True)
    known.text(ANN, run="r", rule="A", shadow=False)
    steps = (
        owed("d1", event.id, run="r", lane="A"),
        owed("d2", event.id, run="r", step=1, state=State.WAITING),
        text("t1", event=event.id, run="r2"),
        text("t2", event=event.id, run="r3"),
    )
    first = event.key == "call-1" and event.nth == 0
    return Plan((Verdict("A", "ran"),), steps if first else (), ((ANN, "vip"),), (("A", event.id, "r"),))


def test_the_way_of_an_event_walks_through_no_table(ledger: Asking):
    arrivals.accept(ledger, event(), b"{}", merge)
    arrivals.accept(ledger, event(summary="more", at=NOW + 1), b"{}", merge)
    arrivals.known(ledger, "callscaler", "call-1")
    arrivals.note_request(ledger, RequestNote("refused", NOW, "s", 401, "r", "127.0.0.1"))
    arrivals.requests(ledger, 9, "test")
    planning.plan(ledger, looks_at_everything, {}, config="c", **ASKED())
    planning.ripen(ledger, becomes(State.DUE), **ASKED())
    want = {"team": Want(2, rows=3), "callscaler": Want(9)}
    taken = claiming.claim(ledger, want, now=NOW).claimed
    sent = [one for one in taken if one.delivery.kind == "send"]
    texts = [one for one in taken if one.delivery.kind == "text"]
    for one, state in zip(texts, (State.SENDING, State.SUPPRESSED), strict=True):
        settling.begin_text(
            ledger,
            one.delivery,
            address(one.delivery),
            judged(state),
            nobody_waits,
            now=NOW,
            windows=WINDOWS,
        )
    tried = Attempt("d1", 1, NOW, 0.1, "delivered", "200")
    settled = [Settlement(one.delivery.moved(State.DELIVERED), tried) for one in sent]
    settling.settle_all(ledger, [(settled, nobody_waits)])
    claiming.free_leases(ledger, now=NOW, settle=60, everything=True)
    claiming.claim_unknown(ledger, now=NOW + 60, lease=60, limit=9)
    claiming.free_leases(ledger, now=NOW + 999, settle=60, everything=False)
    claiming.next_due_at(ledger, ["team", "callscaler"], now=NOW)
    settling.bury(ledger, "team", "gone", NOW)
    upkeep.opt_out(ledger, ANN, NOW, "STOP")
    upkeep.opt_in(ledger, ANN)
    listed.accept_text(ledger, event("text-1", "text.received"), b"{}", "stop", NOW)
    listed.save_foreign_texts(ledger, [ForeignText("sms_1", ANN, prefix(ANN), None, "hello", NOW)] * 2)

    assert (len(sent), len(texts)) == (2, 2)
    assert ledger.walks == []
    assert ledger.sorts == []


def test_what_is_known_of_a_caller_is_read_from_one_index(ledger: Asking):
    LedgerKnown(ledger, event(), now=NOW, windows=WINDOWS, prefix=prefix).caller()

    of_calls = {step for step in ledger.steps if " calls " in step}
    by_key = {step for step in of_calls if "PRIMARY KEY" in step}
    assert len(by_key) == 1
    assert of_calls > by_key
    assert all("USING COVERING INDEX calls_caller " in step for step in of_calls - by_key), of_calls


def test_reading_a_page_walks_through_no_table(ledger: Asking):
    for reference in ("evt_1", "call-1"):
        reading.event(ledger, reference)
    for person in (None, ANN):
        reading.events(ledger, 9, 500, person)
    for state, of, before in ((None, None, 500), ("due", None, 500), (None, "evt_1", None), ("due", "evt_1", 5)):
        reading.deliveries(ledger, 9, state, of, before)
    reading.verdicts(ledger, "evt_1")
    reading.attempts(ledger, "d1")
    reading.owed_connectors(ledger)
    replays.dead(ledger, NOW, "rule", "evt_1", "team", 5, 9)
    replays.run(ledger, "r")
    reading.owed_versions(ledger)

    assert [walk for walk in ledger.walks if "SCAN deliveries" in walk] == []
    assert ledger.walks == []


def test_the_newest_are_found_from_the_end(ledger: Asking):
    reading.event(ledger, "last")
    reading.texts(ledger, 9)
    arrivals.requests(ledger, 9, None)

    walks = [walk.rpartition(": ")[2] for walk in ledger.walks]
    assert walks == ["SCAN events", "SCAN texts USING INDEX texts_at"]
    assert not ledger.sorts


def test_the_pages_walk_through_no_table(ledger: Asking):
    for person, number, kind in ((None, "+13125550142", None), (None, None, "call.missed"), (ANN, None, "call.missed")):
        reading.events(ledger, 9, 500, person, number, kind)
    arrivals.requests(ledger, 9, "refused", 500)
    pages.glances(ledger, ["evt_1", "evt_2"])
    pages.delivery(ledger, "d1")
    pages.of_call(ledger, "callscaler", "call-1")
    for before in (None, (NOW, "t1")):
        pages.texts_page(ledger, 9, before, ANN)
        pages.texts_page(ledger, 9, before, None)
    pages.standing(ledger, ANN)
    sums.traffic(ledger, NOW - 86400)
    sums.texts_since(ledger, NOW)
    assert (ledger.walks, ledger.sorts) == ([], [])

    sums.ruled(ledger, NOW - 86400)
    assert ledger.walks == []

    sums.backlog(ledger)
    sums.pulse(ledger)
    whole = {"SCAN deliveries USING COVERING INDEX deliveries_backlog", "SCAN events", "SCAN attempts", "SCAN requests"}
    whole |= {"SCAN alerts"}
    assert {walk.rpartition(": ")[2] for walk in ledger.walks} <= whole, "only indexes of what is owed, and last rows"


def test_alerts_are_opened_and_closed_without_a_walk(ledger: Asking):
    alarms.open_alert(ledger, "disk", "The disk is full.", "Free some space.", NOW)
    alarms.open_alert(ledger, "disk", "The disk is full.", "Free some space.", NOW)
    alarms.alert_told(ledger, 1, NOW)
    alarms.close_alert(ledger, "disk", NOW)
    alarms.open_alert(ledger, "disk", "The disk is full.", "Free some space.", NOW)
    alarms.alerts(ledger, limit=9, before=None, open_only=True)
    alarms.owed_since(ledger)
    assert (ledger.walks, ledger.sorts) == ([], [])

    alarms.alerts(ledger, limit=9, before=None, open_only=False)
    assert [walk.rpartition(": ")[2] for walk in ledger.walks] == ["SCAN alerts"]


def filled(ledger: Asking, lanes: list[str | None]) -> list[int]:
    """Deliveries due in these lanes; answers a list that grows by one for every row read from now on."""
    arrivals.accept(ledger, event(), b"{}", merge)
    due = [owed(f"d{n}", event().id, lane=lane) for n, lane in enumerate(lanes)]
    planning.plan(
        ledger,
        always(Plan((), tuple(due))),
        {},
        config="c",
        **ASKED(),
    )
    read: list[int] = []

    def count(cursor: sqlite3.Cursor, values: Any) -> sqlite3.Row:
        read.append(1)
        return sqlite3.Row(cursor, values)

    ledger.row_factory = count
    return read


def test_the_newest_are_taken_without_reading_what_is_older(ledger: Asking):
    read = filled(ledger, [None] * 2000)
    taken = claiming.claim(ledger, {"team": Want(4, newest=2)}, now=NOW).claimed

    assert [one.delivery.id for one in taken] == ["d0", "d1", "d1999", "d1998"]
    assert len(read) < 60
    assert (ledger.walks, ledger.sorts) == ([], [])


def test_a_probe_reads_no_more_than_what_is_in_back_off(ledger: Asking):
    read = filled(ledger, [None] * 2000)
    standing.hasten(ledger, "team", NOW, 1)
    standing.standings(ledger)

    assert len(read) < 10
    assert ledger.walks == []


def test_a_claim_reads_no_more_rows_than_it_takes(ledger: Asking):
    read = filled(ledger, [None] * 2000)
    taken = claiming.claim(ledger, {"team": Want(3)}, now=NOW).claimed

    assert len(taken) == 3
    assert len(read) < 40  # plans, claimed rows, their events


def test_a_claim_passes_a_long_lane_without_reading_it(ledger: Asking):
    read = filled(ledger, ["A"] * 2000 + ["B"])
    claiming.claim(ledger, {"team": Want(1)}, now=NOW)
    read.clear()
    taken = claiming.claim(ledger, {"team": Want(1)}, now=NOW).claimed

    assert [one.delivery.lane for one in taken] == ["B"]
    assert len(read) < 150
    assert ledger.walks == []
