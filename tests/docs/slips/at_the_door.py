"""Why the webhooks of somebody new are refused."""

from __future__ import annotations

from tests.docs.newcomer import PROVED, posted
from tests.docs.slips.provoked import says


@says("401 … the header X-Relay-Secret is missing or empty")
async def no_header(new):
    return await posted(new, "callscaler", {})


@says("401 … the secret or signature does not match; check that both sides hold the same secret")
async def a_wrong_header(new):
    return await posted(new, "callscaler", {"X-Relay-Secret": "false-secret-0002-0002-0002"})


@says("404 … unknown source")
async def another_address(new):
    return await posted(new, "callscalr", PROVED)


@says("415 … content type text/plain")
async def no_json_is_said(new):
    return await posted(new, "callscaler", {**PROVED, "Content-Type": "text/plain"})


@says("400 … the body is not JSON")
async def broken_json(new):
    return await posted(new, "callscaler", PROVED, b'{"event": ')


@says("nobody answers at … is `relay serve` running?")
async def nobody_there(new):
    return await new.type("send", "missed-call", "--to", "http://127.0.0.1:1/hooks/callscaler")
