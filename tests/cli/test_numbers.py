"""`relay numbers` from the shell, on the real sandbox in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time

import pytest

from tests import forked
from tests.patience import PATIENCE

FILE = """\
business: {{name: B, timezone: America/Chicago}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
callscaler: {{base_url: "{url}/api/v1"}}
groups:
  - {{name: Parked, if: {{number.calls_30d: 0}}}}
  - {{name: Main, default: true}}
regroup: {{max_changes: {most}, min_history: none}}
"""


@pytest.fixture
def sandbox():
    process = subprocess.Popen([*forked.relay(), "sandbox", "--port", "0"], stdout=subprocess.PIPE)
    url, key = (process.stdout.readline().decode().strip() for _ in range(2))
    yield url, key
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture
def numbers(run, folder, sandbox):
    url, key = sandbox

    def command(*words, most=10):
        (folder / "relay.yaml").write_text(FILE.format(url=url, most=most))
        return run("numbers", *words, CALLSCALER_API_KEY=key)

    return command


def test_plan_apply_plan_undo_need_no_service_and_say_how_it_ended(numbers):
    plan = numbers("plan", "--json")
    assert (plan.code, set(plan.json)) == (6, {"moves", "held"})
    assert {tuple(move) for move in plan.json["moves"]} == {("number", "from", "to", "because")}
    assert {move["to"] for move in plan.json["moves"]} == {"Parked"}
    applied = numbers("apply")
    assert (applied.code, "done" in applied.err) == (0, True)
    assert numbers("plan", "--json").json == {"moves": [], "held": []}
    again = numbers("plan")
    assert (again.code, "0 to move, 0 held; nothing to apply" in again.err) == (0, True)
    undone = numbers("undo", "last", "--json")
    assert (undone.code, {move["state"] for move in undone.json["moves"]}) == (0, {"done"})
    history = numbers("history", "--json").json["runs"]
    assert [(one["kind"], one["state"]) for one in history] == [("undo", "done"), ("plan", "done")]
    one = plan.json["moves"][0]["number"]
    for written in (one, f"{one[2:5]}-{one[5:8]}-{one[8:]}"):
        moves = numbers("history", written, "--json").json["moves"]
        assert [move["kind"] for move in moves] == ["restore", "regroup"]
    assert numbers("history", "last", "--json").json["run"] == history[0]["run"]


def test_a_plan_for_people_shows_each_move_with_its_reason(numbers):
    plan = numbers("plan")
    assert re.search(r"\+1312555\d{4}  \w+ -> Parked\n      number.calls_30d is 0\n", plan.out)
    assert re.search(r"6 to move, 0 held; `relay numbers apply` makes these moves and no others \(run_\w+\)", plan.err)


def test_too_many_moves_ask_and_go_once_approved(numbers):
    numbers("plan", most=2)
    asked = numbers("apply", most=2)
    assert (asked.code, "relay numbers approve run_" in asked.err) == (6, True)
    run = re.search(r"run_\w+", asked.err)[0]
    assert numbers("approve", run, most=2).code == 0
    assert numbers("plan", most=2).code == 0
    rejected = numbers("reject", run, most=2)
    assert (rejected.code, "asks nothing" in rejected.err) == (1, True)


def test_what_cannot_be_done_is_said_with_its_exit_code(numbers):
    nothing = numbers("apply")
    assert (nothing.code, "there is no plan" in nothing.err) == (1, True)
    numbers("plan")
    assert numbers("apply", "run_none").code == 4
    assert numbers("undo", "run_none").code == 4
    assert numbers("history", "run_none").code == 4
    assert numbers("reject", "run_none").code == 4
    assert numbers("accept", "nobody").code == 2
    nothing = numbers("accept", "312-555-0142")
    assert (nothing.code, "there is nothing to accept" in nothing.err) == (1, True)


def test_a_phone_system_that_does_not_answer_is_exit_5(run, folder):
    (folder / "relay.yaml").write_text(FILE.format(url="http://127.0.0.1:9", most=10))
    plan = run("numbers", "plan", CALLSCALER_API_KEY="cs_key_false")
    assert (plan.code, "the phone system could not be asked" in plan.err) == (5, True)


def test_check_warns_of_rules_that_fight(run, folder):
    rules = [
        {
            "name": name,
            "when": {"every": "day", "at": "06:10"},
            "for_each": "number",
            "then": [{"regroup": "number", "to": to}],
        }
        for name, to in (("One", "A"), ("Other", "B"))
    ]
    (folder / "relay.yaml").write_text(json.dumps({"rules": rules}))
    check = run("check", CALLSCALER_API_KEY="cs_key_false")
    assert check.code == 0
    assert "`One` and `Other` fight over a number" in check.err


@pytest.fixture
def shared(folder, sandbox, postgres, run):
    """`relay numbers` beside a relay that serves the same PostgreSQL; answers the command and what that relay says."""
    url, key = sandbox
    listen = 'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\n'
    (folder / "relay.yaml").write_text(listen + FILE.format(url=url, most=10))
    environment = {
        **os.environ,
        "RELAY_STORE": postgres,
        "CALLSCALER_API_KEY": key,
        "RELAY_HOOK_SECRET": "false-secret",
    }
    with (folder / "said").open("wb") as said:
        serving = subprocess.Popen([*forked.relay(), "serve"], env=environment, stderr=said, stdout=said)

    def nodes():
        return run("nodes", "--json", RELAY_STORE=postgres).json["nodes"]

    end = time.monotonic() + PATIENCE
    while not any("numbers' runs" in node["holds"] for node in nodes()):
        assert serving.poll() is None
        assert time.monotonic() < end
    yield (
        lambda *words: run("numbers", *words, RELAY_STORE=postgres, CALLSCALER_API_KEY=key),
        (folder / "said").read_text,
    )
    serving.terminate()
    serving.wait()


def test_beside_a_relay_on_the_same_postgresql_that_one_makes_the_moves_alone(shared):
    numbers, said = shared
    planned = numbers("plan", "--json").json["moves"]
    applied = numbers("apply", "--json")
    assert (applied.code, applied.json["state"]) == (0, "done")
    assert said().count("a number was changed") == len(planned)
    undone = numbers("undo", "last", "--json")
    assert (undone.code, undone.json["state"]) == (0, "done")
    assert said().count("a number was changed") == 2 * len(planned)
