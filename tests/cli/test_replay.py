"""`replay`, `pause` and `resume` on a ledger that nobody serves: what they do, tell, and exit with."""

import asyncio
import datetime as dt
from dataclasses import replace

import pytest

from relay.cli.common import since_when
from relay.models import State
from relay.store.sqlite import SqliteStore
from tests.store.ledger import accept, owe, owed
from tests.store.ledger import event as an_event


@pytest.fixture
def dead(folder):
    """A ledger in which something died under a rule that is still in the file, and something under one that is not."""

    async def fill():
        store = SqliteStore(folder / "relay.db")
        gone = owed("d1", connector="archive", state=State.DEAD)
        await owe(store, gone, replace(gone, id="d2", connector="crm", rule="Gone"))
        await store.close()

    asyncio.run(fill())


def test_what_nobody_knows_any_more_is_told_and_left(run, dead, quiet):
    ran = run("replay")
    assert (ran.code, ran.out) == (0, "0 done again\n2 left: its rule is not known any more\n")
    assert run("replay", "--dry-run", "--json").json == {
        "replayed": 0,
        "deliveries": [],
        "left": {"its rule is not known any more": 2},
        "dry_run": True,
    }


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-01", "2026-03-01T06:00:00+00:00"),
        ("2026-07-01", "2026-07-01T05:00:00+00:00"),
        ("2026-03-01T12:00+01:00", "2026-03-01T11:00:00+00:00"),
    ],
)
def test_a_day_begins_on_the_business_s_clock(written, moment):
    assert since_when(written, "America/Chicago") == dt.datetime.fromisoformat(moment).timestamp()


def test_what_died_since_a_day_began_where_the_business_is(run, dead, folder, quiet):
    written = (folder / "relay.yaml").read_text()
    (folder / "relay.yaml").write_text("business: {name: B, timezone: Pacific/Kiritimati}\n" + written)
    assert run("replay", "--since", "2026-03-03", "--dry-run", "--json").json["left"] != {}
    assert run("replay", "--since", "2026-03-04", "--dry-run", "--json").json["left"] == {}


def test_where_nothing_died_it_is_exit_4(run, dead, quiet):
    ran = run("replay", "--rule", "Another")
    assert (ran.code, "--whole" in ran.err) == (4, True)


def test_a_dry_run_that_finds_nothing_is_an_answer(run, dead, quiet):
    assert run("replay", "--rule", "Another", "--dry-run", "--json").code == 0


def test_an_event_in_which_nothing_died_is_judged_from_the_start(run, folder, quiet):
    async def fill():
        store = SqliteStore(folder / "relay.db")
        await accept(store, an_event("d1", type="call.completed"))
        await store.close()

    asyncio.run(fill())
    assert run("replay", "--event", "last").out == "1 done again\n"
    assert run("replay", "--event", "last").code == 4  # asked twice, done once


def test_whole_events_are_judged_by_todays_rules(run, dead, quiet):
    ran = run("replay", "--whole", "--event", "last", "--json")
    assert (ran.code, ran.json["replayed"]) == (4, 0)  # the call was missed, and the rule wants answered ones


@pytest.mark.parametrize("wrong", [["--whole"], ["--since", "yesterday"], ["--rules", "x"]])
def test_what_makes_no_sense_is_exit_2(run, dead, wrong, quiet):
    assert run("replay", *wrong).code == 2


@pytest.mark.parametrize("absent", [["--event", "evt_none"], ["--connector", "x"]])
def test_what_is_not_there_is_exit_4(run, dead, absent, quiet):
    assert run("replay", *absent).code == 4


def test_an_event_that_is_none_is_not_released(run, dead, quiet):
    assert run("quarantine", "release", "evt_none").code == 4


def test_a_connector_is_paused_and_goes_on(run, dead, quiet):
    assert run("pause", "archive").out == "archive is paused; what is owed to it waits\n"
    assert run("pause", "archive").out == "archive was paused already\n"
    assert run("resume", "archive", "--json").json == {"connector": "archive", "paused": False, "changed": True}
    assert run("resume", "archive").out == "archive was not paused\n"
    wrong = run("pause", "archiv")
    assert (wrong.code, "did you mean `archive`?" in wrong.err) == (4, True)
