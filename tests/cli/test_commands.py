"""`check`, `url`, `send`, `serve` and help: data on stdout, the rest on stderr, and the exit codes."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading

import pytest

import relay as package
from relay.cli import COMMANDS
from relay.intake import Intake, Source
from relay.metrics import Metrics
from relay.proof import ProofForm
from relay.server import Door, listen
from relay.settings.samples import SAMPLES
from relay.store.sqlite import SqliteStore
from tests import forked
from tests.patience import PATIENCE

SECRET = "false-secret-0001-0001-0001"
HEAVY = ("aiohttp", "pydantic", "structlog", "phonenumbers", "jinja2", "sqlite_utils", "yaml", "rich", "cryptography")


HELP = f"""
import contextlib, io, json, sys
sys.argv = ["relay", "--help"]
said = io.StringIO()
from relay.__main__ import main
with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
    main()
print(json.dumps({{"help": said.getvalue(), "heavy": [name for name in {HEAVY!r} if name in sys.modules]}}))
"""


def test_help_names_every_command_and_imports_nothing_heavy(python):
    told = python(HELP).json
    assert told["heavy"] == []
    for name in COMMANDS:
        assert f"  {name}" in told["help"]


def test_the_version_is_told(run):
    ran = run("--version")
    assert (ran.code, ran.out) == (0, f"relay {package.__version__}\n")


def test_a_misspelt_command_is_answered_with_the_nearest(run):
    ran = run("chek")
    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean `check`?" in ran.err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(run, name):
    ran = run(name, "--help")
    assert ran.code == 0
    assert ran.out


def test_a_good_file_is_exit_0_and_stdout_holds_data_only(process, folder):
    with (folder / "relay.yaml").open("a") as file:
        file.write(
            "tests:\n  - name: an answered call\n"
            '    given: [{event: call.completed, at: "2026-03-02 10:00"}]\n'
            "    expect: {delivered: {archive: 1}}\n"
        )
    ran = process("check")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.endswith("relay.yaml: 1 rule, 1 test: good\n")
    told = process("check", "--json")
    assert told.code == 0
    assert (told.json["ok"], told.json["rules"], told.json["tests"]) == (True, 1, 1)


def test_a_scenario_that_turns_out_otherwise_is_exit_3_with_its_place(process, folder):
    with (folder / "relay.yaml").open("a") as file:
        file.write(
            "tests:\n  - name: a missed call\n"
            '    given: [{event: call.missed, at: "2026-03-02 10:00"}]\n'
            "    expect: {delivered: {archive: 1}}\n"
        )
    ran = process("check")
    assert ran.code == 3
    [line] = ran.out.splitlines()
    assert line.startswith(f"{folder}/relay.yaml:11:5: test `a missed call`: ")


def test_mistakes_are_lines_on_stdout_and_warnings_on_stderr(run, folder, quiet):
    (folder / "relay.yaml").write_text("busines: {}\nrules: {}\n")
    ran = run("check")
    assert ran.code == 3
    assert [line.removeprefix(str(folder)) for line in ran.out.splitlines()] == [
        "/relay.yaml:1:1: `busines` is no known section; did you mean `business`?",
        "/relay.yaml:2:8: rules is a list of rules, each with a name",
    ]
    told = run("check", "--json")
    assert told.code == 3
    assert told.json["mistakes"][0] == {
        "file": f"{folder}/relay.yaml",
        "line": 1,
        "column": 1,
        "message": "`busines` is no known section; did you mean `business`?",
    }
    (folder / "relay.yaml").write_text("")
    warned = run("check", RELAY_LISTN="x")
    assert (warned.code, warned.out) == (0, "")
    assert "RELAY_LISTEN" in warned.err


def test_a_check_that_asks_finds_a_connector_that_does_not_answer(run, quiet):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert run("check", SINK_URL=url).code == 0
        ran = run("check", "--live", SINK_URL=url)
        assert ran.code == 6
        assert ran.out.startswith("archive: nobody listens at 127.0.0.1:")
        assert "archive" in run("check", "--live", "--json", SINK_URL=url).json["connectors"]


def test_the_address_and_the_header_are_told_and_the_secret_is_not(run, folder):
    ran = run("url")
    assert ran.out.splitlines()[0] == "callscaler: https://relay.example/hooks/callscaler"
    assert "X-Relay-Secret: what RELAY_HOOK_SECRET holds" in ran.out
    assert SECRET not in ran.out + ran.err
    (folder / "secret").write_text(SECRET)
    proof = "{header: X-Relay-Secret, secret: '${file:secret}'}"
    with (folder / "relay.yaml").open("a") as file:
        file.write(f"sources: {{callscaler: {{type: callscaler, proof: {proof}}}}}\n")
    assert "X-Relay-Secret: what the file secret holds" in run("url").out


@pytest.mark.parametrize(("listen", "there"), [("0.0.0.0:8099", "127.0.0.1:8099"), ("[::]:8099", "[::1]:8099")])
def test_without_a_public_address_one_is_told_that_leads_somewhere(run, folder, listen, there):
    """As in a container, which listens everywhere."""
    file = folder / "relay.yaml"
    file.write_text(file.read_text().replace("https://relay.example", ""))
    ran = run("url", RELAY_LISTEN=listen)
    assert ran.out.splitlines()[0] == f"callscaler: http://{there}/hooks/callscaler"
    assert "public_url" in ran.err


def test_the_address_is_told_to_programs_too(run):
    assert run("url", "--json").json == {
        "sources": [
            {
                "source": "callscaler",
                "url": "https://relay.example/hooks/callscaler",
                "header": "X-Relay-Secret",
                "proof": "header",
                "secret": "RELAY_HOOK_SECRET",
            }
        ]
    }


@pytest.fixture
def door(tmp_path):
    """A door in a thread of its own, as commands run a loop of theirs."""
    started, stop = threading.Event(), asyncio.Event()
    found = {}

    async def serve():
        ledger = SqliteStore(tmp_path / "door.db")
        proof = ProofForm.model_validate({"header": "X-Relay-Secret", "secret": SECRET}).proof()
        intake = Intake(ledger, lambda: 1772467200.0, Metrics())
        runner, port = await listen(
            Door(intake, {"callscaler": Source("callscaler", "callscaler", proof)}).app(), "127.0.0.1", 0
        )
        found.update(url=f"http://127.0.0.1:{port}/hooks/callscaler", loop=asyncio.get_running_loop())
        started.set()
        await stop.wait()
        await runner.cleanup()
        await intake.drain()
        await ledger.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(PATIENCE)
    yield found["url"]
    found["loop"].call_soon_threadsafe(stop.set)
    thread.join()


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"test"}))
def test_every_sample_is_sent_with_the_right_proof(run, door, name):
    ran = run("send", name, "--to", door, "--set", "caller_name=Dana", "--json")
    assert (ran.code, ran.json["status"]) == (0, 202)
    assert ran.json["sent"]["caller_name"] == "Dana"


def test_a_field_that_is_probably_another_is_sent_and_told(run, door):
    ran = run("send", "missed-call", "--to", door, "--set", "callernumber=+13125550107", "--set", "shop=north")
    assert (ran.code, ran.out[:3]) == (0, "202")
    assert ran.err == "`callernumber` is no known field; did you mean `caller_number`? It is sent as it stands\n"


def test_the_test_button_is_answered_and_makes_no_event(run, door):
    ran = run("send", "test", "--to", door)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, '200 {"event": null}')


def test_a_sample_that_is_refused_is_exit_1_and_one_that_nobody_takes_exit_5(run, door):
    assert run("send", "missed-call", "--to", door, RELAY_HOOK_SECRET="another-secret-0002").code == 1
    ran = run("send", "missed-call", "--to", "http://127.0.0.1:1/hooks/callscaler")
    assert (ran.code, ran.out) == (5, "")
    assert "relay serve" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("send", "mised-call"), "did you mean `missed-call`"),
        (("send", "missed-call", "--set", "nothing"), "--set field=value"),
        (("send", "missed-call", "--source", "nobody"), "there is no source nobody"),
        (
            ("send", "missed-call", "--to", "calls.example.com"),
            "is no address; write it like http://127.0.0.1:8080/hooks/",
        ),
        (("send",), "NAME"),
    ],
)
def test_a_command_used_wrongly_is_exit_2(run, arguments, words):
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


@pytest.fixture
def served(folder):
    """A service at addresses that no file names; answers what it said until it listened."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "RELAY_CONFIG": str(folder / "relay.yaml"),
        "RELAY_HOOK_SECRET": SECRET,
        "RELAY_LOG": "json",
    }
    arguments = [*forked.relay(), "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    with subprocess.Popen(arguments, env=environment, cwd=folder, text=True, stderr=subprocess.PIPE) as service:
        said = []
        while not said or (service.poll() is None and "admin on" not in said[-1]):
            said.append(service.stderr.readline())
        yield said
        service.terminate()
        service.stderr.read()


def test_a_change_finds_the_service_wherever_it_listens_and_exits_as_without_one(run, served):
    assert run("pause", "archive", "--json").json == {"connector": "archive", "paused": True, "changed": True}
    assert run("shadow", "Archive answered calls").code == 0
    assert run("pause", "archiv").code == 4
    assert run("replay", "--event", "evt_none").code == 4
    assert run("optout", "add", "nobody").code == 2


def test_a_sample_and_the_doctor_find_the_service_wherever_it_listens(run, served, quiet):
    assert run("send", "missed-call", "--json").json["status"] == 202
    [address] = {json.loads(line)["event"].split("/")[2] for line in served if "listening on" in line}
    said = [check["said"] for check in run("doctor", "--json").json["checks"]]
    assert f"a service answers at {address}" in said


def test_a_service_that_is_gone_is_not_looked_for(run, folder):
    beyond_all_processes = 2**22 + 1
    (folder / "relay.db.lock").write_text(f"{beyond_all_processes}\n127.0.0.1:3\n127.0.0.1:4\n")
    assert "http://127.0.0.1:1/hooks" in run("send", "missed-call").err


def test_a_log_in_json_is_json_to_the_last_line(served):
    lines = [json.loads(line) for line in served]
    assert [line["event"].split(" http")[0] for line in lines[-2:]] == ["listening on", "admin on"]


def test_an_admin_listener_open_to_others_needs_a_token(run, quiet):
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
        ran = run("serve", "--admin", address)
        assert ran.code == 3
        assert "RELAY_ADMIN_TOKEN" in ran.err


def test_the_states_of_deliveries_are_listed_within_the_window(run):
    ran = run("deliveries", "--help")
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "abandoned" in ran.out


@pytest.mark.parametrize("option", ["--listen", "--admin"])
def test_an_option_that_is_no_address_is_named_and_not_the_file(run, quiet, option):
    ran = run("serve", option, "8080")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == f"{option}: `8080` is no address; write HOST:PORT, like 127.0.0.1:8080"


def test_an_address_that_is_taken_is_exit_1(process):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = process("serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}", "--admin", "127.0.0.1:0")
    assert (ran.code, ran.out) == (1, "")
    assert "cannot listen" in ran.err
    assert "Traceback" not in ran.err


def test_an_address_that_this_machine_has_not_is_told_as_that(process):
    ran = process("serve", "--listen", "192.0.2.1:18080", "--admin", "127.0.0.1:0")
    assert (ran.code, ran.out) == (1, "")
    assert "This machine has no such address" in ran.err
    assert "Stop the program" not in ran.err


def test_serving_a_file_with_mistakes_is_exit_3(run, folder, quiet):
    (folder / "relay.yaml").write_text("nonsense: 1\n")
    ran = run("serve")
    assert ran.code == 3
    assert "relay.yaml:1:1: `nonsense`" in ran.err


TRACE = """
import structlog
from relay.cli.common import start_logging
start_logging()
def fails(secret):
    raise ValueError("oops")
try:
    fails("-".join(["false", "secret"]))
except ValueError:
    structlog.get_logger("x").exception("it failed", id=5)
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_trace_in_the_log_goes_to_stderr_and_holds_no_values(python, form):
    ran = python(TRACE, RELAY_LOG=form)
    assert ran.out == ""
    assert "it failed" in ran.err
    assert "ValueError: oops" in ran.err
    assert "false-secret" not in ran.err
    if form == "json":
        assert json.loads(ran.err)["level"] == "error"


def test_what_people_did_is_listed(run):
    run("texts", "off")
    run("optout", "add", "+13125550101")
    [added, off] = run("audit", "--json").json["acts"]
    assert (off["what"], added["what"], added["about"]) == ("texts-off", "optout-add", '{"number": "***0101"}')
    assert (added["outcome"], off["outcome"]) == ("done", "done")
    assert "optout-add" in run("audit").out
