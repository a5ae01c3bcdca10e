"""`relay refused`: what came and made no event."""

import asyncio

import pytest

from relay.store import RequestNote
from relay.store.sqlite import SqliteStore
from tests.store.ledger import NOW


@pytest.fixture
def at(tmp_path):
    async def fill():
        ledger = SqliteStore(tmp_path / "refused.db")
        for kind, reason in (("refused", "the secret is wrong"), ("test", "no call")):
            await ledger.note_request(RequestNote(kind, NOW, "callscaler", 401, reason, "192.0.2.9", {"X": "…"}, b"{}"))
        await ledger.close()

    asyncio.run(fill())
    return f"sqlite:///{tmp_path}/refused.db"


def test_refused_requests_are_told_with_their_reason(run, at):
    done = run("refused", "--store", at)
    assert "the secret is wrong" in done.out
    assert "no call" not in done.out
    assert "no call" in run("refused", "--tests", "--store", at).out


def test_as_json_with_headers_and_body(run, at):
    [one] = run("refused", "--json", "--store", at).json["requests"]
    assert (one["reason"], one["body"], one["headers"], one["at"]) == (
        "the secret is wrong", "{}", {"X": "…"}, "2026-03-02T16:00:00.000Z",
    )  # fmt: skip
