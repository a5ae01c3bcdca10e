"""Whatever a service answers, little of it is kept, and nothing but text."""

from __future__ import annotations

import sqlite3

import pytest

from connectors.webhook import Webhook, WebhookOptions
from tests.working import made

ANSWERS = [
    ({"pad": "x" * 9000}, 200),
    (b'{"pad": "' + b"y" * 200_000, 200),
    (b"\xff\x00\xfe" * 40_000, 200),
    (b"\xff\x00\xfe" * 40_000, 422),
    ("z" * 60_000, 500),
    ({"half": "\ud800", "pad": "x" * 9000}, 400),
]


@pytest.mark.parametrize(("answer", "status"), ANSWERS)
async def test_of_a_large_answer_four_kibibytes_of_text_are_kept_at_most(
    ledger, clock, sink, http, answer, status, tmp_path
):
    desk = Webhook(WebhookOptions(url=sink.url), http)
    it = made(ledger, clock, [{"send": "desk", "body": {"a": "b"}}], {"desk": desk})
    sink.answer, sink.status = answer, status
    await it.ring()
    await it.work()
    delivery = await it.only()
    assert delivery.tries == 1
    assert len(str(delivery.receipt)) <= 4096 + 200, "the answer, and what is said of it"
    connection = sqlite3.connect(tmp_path / "relay.db")
    kept = connection.execute("select answer from attempts").fetchall()
    connection.close()
    assert len(kept) == 1
    assert all(isinstance(text, str) and len(text) <= 4096 for (text,) in kept)
    assert (status == 200) == (str(delivery.state) == "delivered")
