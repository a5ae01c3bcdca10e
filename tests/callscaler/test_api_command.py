"""`relay api` as its own process against a service on loopback, and in this one where nothing is sent."""

import asyncio
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from relay.callscaler.table import OPERATIONS
from relay.cli.api import api
from tests import forked
from tests.patience import PATIENCE

ID = "8c2f7a52-8a6c-4f43-9c0e-0d7a0f4b5a11"
NUMBERS = {
    "data": {
        "numbers": [
            {"id": ID, "phone_number": "+15735550142", "friendly_name": "[red]Ads[/red]\x1b[2J", "status": "active"},
            {"id": "n2", "phone_number": "+15735550143", "friendly_name": None, "status": "active"},
        ],
        "total": 2,
    }
}


@pytest.fixture
def relay_api(service, key, tmp_path):
    async def run(*words, **environment):
        process = await asyncio.create_subprocess_exec(
            *forked.relay(),
            "api",
            *words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"CALLSCALER_API_KEY": key, "CALLSCALER_BASE_URL": service.url, **environment},
        )
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert key.encode() not in out + err
        return process.returncode, out.decode(), err.decode()

    return run


async def test_the_key_in_the_file_beside_the_configuration_is_used(service, key, tmp_path):
    service.says(NUMBERS)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / ".env").write_text(f"CALLSCALER_API_KEY={key}\nCALLSCALER_BASE_URL={service.url}\n")
    (tmp_path / "config" / ".env").chmod(0o600)
    process = await asyncio.create_subprocess_exec(
        *forked.relay(), "api", "numbers", "list", "--json", stdout=subprocess.PIPE, cwd=tmp_path, env={}
    )
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert json.loads(out) == NUMBERS["data"]["numbers"]
    assert service.asked[0].headers["Authorization"] == f"Bearer {key}"


def dry(*words):
    return CliRunner().invoke(api, [*words, "--dry-run"], catch_exceptions=False)


async def test_json_is_an_array_of_what_was_told(relay_api, service):
    service.says(NUMBERS)
    code, out, _ = await relay_api("numbers", "list", "--json")
    assert (code, json.loads(out)) == (0, NUMBERS["data"]["numbers"])


async def test_a_table_shows_whole_ids_and_inert_names(relay_api, service):
    service.says(NUMBERS)
    code, out, err = await relay_api("numbers", "list")
    assert (code, err) == (0, "")
    assert ID in out
    assert "[red]Ads[/red]\N{REPLACEMENT CHARACTER}[2J" in out
    assert "\x1b" not in out


async def test_a_text_is_sent_from_the_shell(relay_api, service):
    service.says({"data": {"text": {"id": "t1", "status": "queued"}}})
    code, out, _ = await relay_api("texts", "send", "--from-number-id", ID, "--to", "+15735550123", "--body", "hi")
    assert (code, "t1" in out, "queued" in out) == (0, True, True)
    assert service.asked[0].body == {"from_number_id": ID, "to": "+15735550123", "body": "hi"}


async def test_a_recording_is_saved_or_written_to_standard_output(relay_api, service, tmp_path):
    service.says((200, b"ID3", {"Content-Type": "audio/mpeg"}))
    path = tmp_path / "a.mp3"
    code, out, _ = await relay_api("voicemails", "recording", "v1", "-o", str(path), "--json")
    assert (code, json.loads(out), path.read_bytes()) == (0, {"file": str(path), "bytes": 3}, b"ID3")
    assert (await relay_api("calls", "recording", "c1", "-o", "-"))[:2] == (0, "ID3")
    code, _, err = await relay_api("calls", "recording", "c1", "-o", str(tmp_path / "none" / "a.mp3"))
    assert (code, "No such file" in err) == (1, True)


async def test_a_limit_bounds_what_is_shown_and_asked_for(relay_api, service):
    rows = [{"id": str(n)} for n in range(2)]
    service.says({"data": {"calls": rows, "has_more": True, "next_cursor": "1"}}, {"data": {"calls": [{"id": "9"}]}})
    code, out, _ = await relay_api("calls", "list", "--limit", "2", "--json", "--include", "summary")
    assert (code, json.loads(out), len(service.asked)) == (0, rows, 1)
    assert service.asked[0].query == {"limit": "2", "include": "summary"}


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [(404, 4, "no such thing"), (401, 5, "create a key"), (503, 5, "again later"), (422, 5, "mend what was sent")],
)
async def test_exit_codes_tell_what_happened(relay_api, service, status, code, words):
    service.says((status, {"error": "no"}, {"Retry-After": "60"}))
    got, out, err = await relay_api("call-flows", "get", "f1")
    assert (got, out) == (code, "")
    assert err.startswith(f"Error: GET /call-flows/{{id}}: answered {status} (no): ")
    assert words in err


async def test_what_costs_money_or_cannot_be_undone_needs_yes(relay_api, service):
    service.says({"data": {"id": "n1", "deleted": True}})
    code, _, err = await relay_api("numbers", "release", "n1")
    assert (code, "--yes" in err, service.asked) == (2, True, [])
    code, out, _ = await relay_api("numbers", "release", "n1", "--yes")
    assert (code, out.strip(), service.asked[0].method) == (0, "Done.", "DELETE")


async def test_a_new_key_is_shown_this_once(relay_api, service):
    service.says({"data": {"id": "k1", "name": "CRM", "key": "cs_key_false0false0", "prefix": "cs_key_false"}})
    code, out, _ = await relay_api("api-keys", "create", "--name", "CRM", "--yes", "--json")
    assert (code, json.loads(out)["key"]) == (0, "cs_key_false0false0")


async def test_the_key_may_be_in_another_variable_and_must_be_somewhere(relay_api, service):
    service.says(NUMBERS)
    code, _, err = await relay_api("numbers", "list", CALLSCALER_API_KEY=" ")
    assert (code, "put it into CALLSCALER_API_KEY" in err, service.asked) == (2, True, [])
    code, _, _ = await relay_api("numbers", "list", "--key-env", "OTHER", CALLSCALER_API_KEY="", OTHER="cs_key_other")
    assert (code, service.asked[0].headers["Authorization"]) == (0, "Bearer cs_key_other")


async def test_a_key_never_travels_without_tls_beyond_private_addresses(relay_api):
    code, _, err = await relay_api("numbers", "list", "--base-url", "http://8.8.8.8/api/v1")
    assert (code, "https" in err) == (5, True)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_can_be_shown_without_being_sent(name, monkeypatch):
    monkeypatch.delenv("CALLSCALER_API_KEY", raising=False)
    operation, words = OPERATIONS[name], []
    for parameter in operation.parameters:
        if parameter.place == "path":
            words.append("x")
        elif parameter.required:
            words += [f"--{parameter.name.replace('_', '-')}", "y"]
    words += ["-o", "z"] if operation.file else []
    result = dry(*name.split(), *words)
    assert result.exit_code == 0
    path = operation.path.replace("{id}", "x").replace("{number_id}", "x").replace("{version}", "x")
    assert result.stdout.startswith(f"{operation.method} https://callscaler.com/api/v1{path}")
    assert "Authorization: Bearer ***" in result.stdout


def test_a_dry_run_shows_lists_json_and_further_fields_as_they_are_sent(tmp_path):
    (tmp_path / "steps.json").write_text('[{"type": "voicemail"}]')
    words = ("--name", "Ads", "--steps", f"@{tmp_path}/steps.json", "--field", "retries=3", "--field", "tone=soft")
    shown = json.loads(dry("call-flows", "create", *words, "--json").stdout)
    assert shown["body"] == {"name": "Ads", "steps": [{"type": "voicemail"}], "retries": 3, "tone": "soft"}
    shown = json.loads(dry("calls", "batch", "--ids", "a,b", "--ids", "c", "--json").stdout)
    assert shown["body"] == {"ids": ["a", "b", "c"]}


@pytest.mark.parametrize(
    "words",
    [
        ("numbers", "fetch"),
        ("nothing",),
        ("texts", "send"),
        ("calls", "list", "--limit", "many"),
        ("call-flows", "create", "--name", "x", "--steps", "{"),
        ("call-flows", "create", "--name", "x", "--steps", "@/nowhere"),
        ("number-pools", "create", "--name", "x", "--field", "oops"),
        ("numbers", "get", ".."),
    ],
)
def test_mistakes_on_the_command_line_exit_with_2(words):
    assert dry(*words).exit_code == 2


@pytest.mark.parametrize(("words", "meant"), [(("nubmers",), "numbers"), (("numbers", "lst"), "list")])
def test_a_misspelt_resource_or_action_is_answered_with_the_nearest(words, meant):
    done = dry(*words)
    assert (done.exit_code, f"Did you mean `{meant}`?" in done.output) == (2, True)


def test_help_lists_every_resource_and_loads_neither_the_client_nor_its_libraries():
    code = (
        "import sys\nfrom relay.cli.api import api\n"
        "try: api(['--help'])\nfinally: print([m for m in ('aiohttp', 'pydantic', 'rich') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
    assert {operation.resource for operation in OPERATIONS.values()} <= set(told.split())
    assert told.endswith("[]\n")
