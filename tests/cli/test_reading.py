"""Reading the ledger from the shell: what is told, in words and in JSON, and the exit codes."""

import asyncio
import json
import os

import pytest

from relay.intake import merge, read_event
from relay.models import Attempt, Delivery, Finding, Plan, State, Verdict
from relay.store import Settlement, Want, Windows
from relay.store.sqlite import SqliteStore

NOW = 1772467200.0


@pytest.fixture
def kept(folder):
    """A ledger with three calls, one of them not delivered."""
    path = folder / "relay.db"

    async def fill():
        ledger = SqliteStore(path)
        for number, caller in enumerate(["+13125550101", "+13125550102", "anonymous"]):
            body = {"event": "call.missed", "call_id": f"c{number}", "caller_number": caller}
            event = read_event(body, "callscaler", NOW + number).event
            await ledger.accept(event, json.dumps(body).encode(), merge)

        def decide(event, known):
            finding = Finding("call.outcome", "answered", "missed", held=False)
            verdicts = (Verdict("Archive", "ran"), Verdict("Other", "skipped", "call.outcome", (finding,)))
            owed = Delivery(
                f"dlv-{event.key}", event.id, f"run-{event.key}", "Archive", "v1", 0, "send", "archive", State.DUE,
                due_at=NOW, first_due_at=NOW, action={"message": "hi"},
            )  # fmt: skip
            return Plan(verdicts, (owed,))

        await ledger.plan(decide, now=NOW, config="v1", windows=Windows(), prefix=lambda n: n[:5], limit=9)
        taken = await ledger.claim({"archive": Want(1)}, now=NOW)
        delivery = taken.claimed[0].delivery
        dead = delivery.moved(State.DEAD, reason="answered 410", settled_at=NOW)
        await ledger.settle([Settlement(dead, Attempt(delivery.id, 1, NOW, 0.5, "dead", "answered 410"))], lambda _: ())
        await ledger.close()

    asyncio.run(fill())
    return f"sqlite:///{path}"


def test_the_last_event_of_an_empty_ledger_is_told_to_be_none(run, quiet):
    ran = run("why", "last")
    assert ran.code == 4
    assert "the ledger holds no event yet; `relay send missed-call` sends one to a running relay" in ran.err


def test_events_come_newest_first(run, kept):
    assert [event["call_id"] for event in run("events", "--json").json["events"]] == ["c2", "c1", "c0"]
    assert [event["call_id"] for event in run("events", "-n", 1, "--json").json["events"]] == ["c2"]
    table = run("events").out
    assert "anonymous" in table
    assert "call.missed" in table


def test_somebody_is_found_by_any_spelling_of_their_number(run, kept):
    assert [event["call_id"] for event in run("find", "(312) 555-0101", "--json").json["events"]] == ["c0"]
    nobody = run("find", "312 555 0199", "--json")
    assert (nobody.code, nobody.json) == (4, {"events": []})
    assert run("find", "twelve").code == 2


def test_one_event_is_shown_whole(run, kept):
    told = run("show", "c0", "--json").json
    assert told["event"]["call_id"] == "c0"
    [delivery] = told["deliveries"]
    assert (delivery["state"], delivery["reason"]) == ("dead", "answered 410")
    assert delivery["attempts"][0]["answer"] == "answered 410"
    assert "try 1: dead in 0.500 s: answered 410" in run("show", "c0").out
    assert run("show", "last", "--json").json["event"]["call_id"] == "c2"


def test_why_tells_what_was_wanted_and_what_was_there(run, kept):
    words = run("why", "c1").out
    assert "skipped" in words
    assert "call.outcome" in words
    assert "NO" in words
    assert [verdict["rule"] for verdict in run("why", "c1", "Other", "--json").json["verdicts"]] == ["Other"]


@pytest.mark.parametrize("arguments", [("show", "none"), ("why", "none"), ("why", "c1", "No such rule")])
def test_what_is_not_there_is_exit_4(run, kept, arguments):
    ran = run(*arguments)
    assert (ran.code, ran.out) == (4, "")
    assert ran.err


def test_deliveries_are_told_by_state(run, kept):
    assert len(run("deliveries", "--json").json["deliveries"]) == 3
    assert [d["id"] for d in run("deliveries", "--state", "dead", "--json").json["deliveries"]] == ["dlv-c0"]
    assert run("deliveries", "--state", "lost").code == 2


def test_texts_are_told(run, kept):
    assert run("texts", "--json").json == {"texts": [], "off": False, "restored": False}


@pytest.mark.parametrize("where", ["before", "after", "environment"])
def test_the_ledger_and_the_file_may_be_named_before_or_after_the_command(run, kept, folder, where):
    moved = folder / "elsewhere.db"
    (folder / "relay.db").rename(moved)
    url = f"sqlite:///{moved}"
    if where == "environment":
        ran = run("events", "--json", RELAY_STORE=url)
    else:
        ran = run("--store", url, "events", "--json") if where == "before" else run("events", "--store", url, "--json")
    assert len(ran.json["events"]) == 3


@pytest.mark.parametrize("place", [0, 1])
def test_the_configuration_may_be_named_before_or_after_the_command(run, kept, folder, place):
    other = folder / "other.yaml"
    other.write_text("store: sqlite:///relay.db\n")
    arguments = ["events", "--json"]
    arguments[place:place] = ["-c", str(other)]
    assert len(run(*arguments, RELAY_CONFIG=str(folder / "none.yaml")).json["events"]) == 3


def test_reading_needs_no_secrets(run, kept):
    assert run("events", "--json", RELAY_HOOK_SECRET="").code == 0


def test_reading_works_beside_a_running_service(run, kept, folder):
    ledger = SqliteStore(folder / "relay.db")
    assert len(run("events", "--json").json["events"]) == 3
    asyncio.run(ledger.close())


def test_where_there_is_no_file_or_no_database_it_is_exit_3(run, folder):
    assert run("-c", folder / "none.yaml", "events").code == 3
    assert run("events", "--store", "postgresql://x/y").code == 3


def test_somebody_is_opted_out_and_in_again(run, kept):
    assert "never texted" in run("optout", "add", "312-555-0101").out
    assert run("optout", "remove", "312-555-0101").code == 0
    assert run("optout", "remove", "312-555-0101").code == 4
    assert run("optout", "add", "nobody").code == 2


def test_a_change_while_somebody_else_holds_the_ledger_is_asked_of_the_service_and_says_when_nobody_answers(
    run, kept, folder
):
    ledger = SqliteStore(folder / "relay.db")
    ran = run("optout", "add", "312-555-0101")
    asyncio.run(ledger.close())
    assert ran.code == 1
    assert f"process {os.getpid()} holds the ledger, and does not answer at http://127.0.0.1:2/api/do/opt" in ran.err
    assert "a command that is at work" in ran.err


@pytest.mark.parametrize("command", [("texts", "off"), ("retry", "dlv_1"), ("backfill",), ("serve",), ("events",)])
def test_an_address_that_is_no_ledgers_is_exit_3(run, kept, quiet, command):
    ran = run(*command, "--store", "nowhere", CALLSCALER_API_KEY="false-key")

    assert (ran.code, ran.out) == (3, "")
    assert "`nowhere` is no store" in ran.err


def test_who_opted_out_is_listed(run, kept):
    run("optout", "add", "312-555-0101")
    listed = run("optout", "list", "--json").json["opt_outs"]
    assert [(row["number"], row["how"]) for row in listed] == [("+13125550101", "by hand")]


def test_texts_are_switched_off_and_on(run, kept):
    assert run("texts", "off", "--json").json == {"texts": "off"}
    assert run("texts", "--json").json["off"] is True
    assert run("texts", "on").code == 0
    assert run("texts", "--json").json["off"] is False


def test_nothing_dead_cannot_be_retried_and_nothing_held_cannot_be_released(run, kept):
    assert run("retry", "dlv_nothing").code == 4
    assert run("cancel", "dlv_nothing").code == 4
    assert run("quarantine", "release", "last").code == 4
    assert run("quarantine", "--json").json == {"events": []}


@pytest.mark.parametrize(
    ("arguments", "code", "out"),
    [
        (("events", "--json"), 0, '{"events": []}\n'),
        (("deliveries", "--json"), 0, '{"deliveries": []}\n'),
        (("why", "last"), 4, ""),
        (("find", "+13125550101", "--json"), 4, '{"events": []}\n'),
    ],
)
def test_before_the_first_start_there_is_nothing_to_read_and_no_file_is_made(run, folder, arguments, code, out):
    ran = run(*arguments)
    assert (ran.code, ran.out) == (code, out)
    assert "nothing came in yet: `relay serve` makes" in ran.err
    assert not list(folder.glob("relay.db*"))


def test_a_ledger_in_a_folder_that_is_not_there_is_exit_3(run, folder):
    ran = run("events", "--store", f"sqlite:///{folder}/none/relay.db")
    assert (ran.code, ran.out) == (3, "")
    assert "there is no ledger at" in ran.err
