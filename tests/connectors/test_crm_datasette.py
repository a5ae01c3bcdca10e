"""The CRM connector against somebody else's server with a database of its own: datasette and its JSON write API."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from connectors.crm import Crm, CrmAction, CrmOptions
from relay.connector import Job
from relay.errors import Unauthorized
from relay.testing import EVENT
from tests.patience import PATIENCE

ANN, BOB = "+13125550101", "+13125550102"
SECRET = "not-a-real-datasette-secret"
TABLES = """
create table contacts (id integer primary key, phone text, name text, city text);
create table calls (id integer primary key, contact integer references contacts, call text, outcome text);
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("datasette") / "crm.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(TABLES)
    connection.close()
    return path


@pytest.fixture(scope="module")
def token():
    command = [sys.executable, "-m", "datasette", "create-token", "root", "--secret", SECRET]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
async def address(database):
    command = ["-m", "datasette", "serve", str(database), "--port", "0", "--root", "--secret", SECRET]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    server = await asyncio.create_subprocess_exec(
        sys.executable, *command, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, env=environment
    )
    async with asyncio.timeout(PATIENCE):
        while not (found := re.search(rb"running on (http://127\.0\.0\.1:\d+)", await server.stderr.readline())):
            assert server.returncode is None
    talk = asyncio.create_task(server.stderr.read())
    yield found[1].decode()
    server.terminate()
    await server.wait()
    await talk


@pytest.fixture
def build(address, http):
    def make(token):
        written = {
            "base_url": f"{address}/crm",
            "auth": {"bearer": token},
            "find": {"path": "/contacts.json?phone={{ match | urlencode }}&_sort=id", "id": "rows.0.id"},
            "create": {
                "path": "/contacts/-/insert",
                "body": {"row": {"phone": "{{ match }}", "*": "{{ fields }}"}, "return": "{{ true }}"},
                "id": "rows.0.id",
            },
            "update": {
                "method": "POST",
                "path": "/contacts/{{ found.id }}/-/update",
                "body": {"update": {"*": "{{ fields }}"}},
            },
            "log": {"path": "/calls/-/insert", "body": {"row": {"contact": "{{ found.id }}", "*": "{{ log }}"}}},
            "logged": {"path": "/calls.json?contact={{ found.id }}", "entries": "rows", "holds": "{{ call.id }}"},
            "success_when": "ok",
        }
        return Crm(CrmOptions.model_validate(written), http)

    return make


def job(call, phone, tries=0, **fields):
    action = {
        "match": phone,
        "fields": fields,
        "only_if_empty": ["name"],
        "log": {"call": call, "outcome": "missed"},
    }
    event = {**EVENT, "call_id": call, "call": {**EVENT["call"], "id": call}}
    return replace(Job(f"job-{call}", CrmAction.model_validate(action), event), tries=tries)


async def test_people_are_found_made_changed_and_their_calls_logged_once(build, token, database):
    crm = build(token)
    made = await crm.send(job("c1", ANN, name="Ann", city="Chicago"))
    found = await crm.send(job("c2", ANN, name="ANN B", city="Evanston"))
    await crm.send(job("c3", BOB, name="Bob"))
    again = await crm.send(job("c2", ANN, tries=1, name="ANN B", city="Evanston"))

    with sqlite3.connect(database) as connection:
        people = connection.execute("select phone, name, city from contacts order by id").fetchall()
        calls = connection.execute("select contact, call, outcome from calls order by id").fetchall()
    connection.close()
    assert people == [(ANN, "Ann", "Evanston"), (BOB, "Bob", None)]
    assert calls == [(1, "c1", "missed"), (1, "c2", "missed"), (2, "c3", "missed")]
    assert (made.created, found.created, again.id) == (True, False, made.id)


async def test_a_token_that_it_does_not_know_is_told(build):
    with pytest.raises(Unauthorized):
        await build("dstok_not-a-real-token").send(job("c9", "+13125550199", name="Eve"))
