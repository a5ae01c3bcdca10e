"""One person's data on the command line."""

import json

import pytest

from relay.intake import merge
from relay.store.sqlite import SqliteStore
from tests.store.forgetting import ann_called
from tests.store.ledger import ANN


@pytest.fixture
async def known(folder):
    store = SqliteStore(folder / "relay.db")
    await ann_called(store)
    await store.close()
    assert merge


def test_everything_about_a_person_is_exported(run, known):
    told = run("person", "312-555-0101", "--json").json
    assert (told["number"], told["tags"], told["opted_out_how"]) == (ANN, ["vip"], "by hand")
    [event] = told["events"]
    assert event["call"]["transcription"] == "ann said so"
    assert [sent["to"] for sent in event["sent"]] == ["callscaler", "team", "team"]
    [text] = told["texts"]
    assert (text["rule_version"], text["state"]) == ("v1", "sent")
    shown = run("person", ANN).out
    assert "opted out" in shown
    assert "text sent by Text back (v1)" in shown


def test_a_person_is_forgotten_and_then_unknown(run, known):
    done = run("forget", ANN, "--yes", "--json")
    assert done.code == 0, done.err
    assert done.json["number"] == "***0101"
    assert done.json["forgotten"] > 5
    assert run("forget", ANN, "--yes").code == 4
    left = run("person", ANN, "--json").json
    assert (left["events"], left["texts"], left["opted_out_at"] is not None) == ([], [], True)
    [act] = [act for act in run("audit", "--json").json["acts"] if act["what"] == "forget"][:1]
    assert "5550101" not in json.dumps(act)


def test_nobody_is_forgotten_by_mistake(run, known):
    assert run("forget", "nobody").code == 2
    assert run("forget", ANN).code == 1
    assert run("person", ANN).code == 0


def test_of_a_stranger_nothing_is_known(run, known):
    assert run("person", "+13125550177").code == 4
