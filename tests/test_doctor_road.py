"""The road in, with proxies before a relay: their certificates, and what they keep to themselves."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import ssl
import sys

import pytest

from tests import forked
from tests.apps import relaying
from tests.certificate import certificate_for
from tests.patience import PATIENCE

SECRET = "false-secret-0001-0001-0001"
CONFIG = """
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
sources:
  callscaler: {type: callscaler, proof: {header: X-Relay-Secret, secret: "${RELAY_HOOK_SECRET}"}}
rules: []
"""
HOUR = dt.timedelta(hours=1)


@pytest.fixture
async def app(tmp_path):
    async with relaying(tmp_path, CONFIG, {"RELAY_HOOK_SECRET": SECRET}) as it:
        yield it


@contextlib.asynccontextmanager
async def proxy(port, certificate=None, *, kept=b"404 Not Found"):
    """Passes requests for /hooks/ to that port, and answers everything else itself, as nginx does; its address."""

    async def meet(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if port is None or b" /hooks/" not in head.partition(b"\r\n")[0]:
                writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % kept)
                await writer.drain()
            else:
                inner, outer = await asyncio.open_connection("127.0.0.1", port)
                outer.write(head)
                await asyncio.gather(pipe(reader, outer), pipe(inner, writer))
        writer.close()

    trust = None
    if certificate is not None:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(*certificate)
    async with await asyncio.start_server(meet, "127.0.0.1", 0, ssl=trust) as server:
        scheme = "http" if trust is None else "https"
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def pipe(reader, writer):
    with contextlib.suppress(ConnectionError):
        while got := await reader.read(65536):
            writer.write(got)
            await writer.drain()
    writer.close()


def written(folder, address="127.0.0.1", good_for=HOUR):
    """The files of a certificate that vouches for itself, and of its key."""
    files = folder / "certificate.pem", folder / "key.pem"
    for file, text in zip(files, reversed(certificate_for(address, good_for)), strict=True):
        file.write_bytes(text)
    return files


async def doctor(folder, through, **environment):
    """The command itself, from nothing where trust is told, which is read once: exit code, and what it found."""
    start = (sys.executable, "-m", "relay") if environment else forked.relay()
    command = [*start, "-c", folder / "relay.yaml", "doctor", "--json", "--through", through]
    told = {**os.environ, "RELAY_HOOK_SECRET": SECRET, **environment}
    running = await asyncio.create_subprocess_exec(*command, env=told, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(PATIENCE):
        said, _ = await running.communicate()
    found = json.loads(said)["checks"]
    return running.returncode, [one for one in found if one["check"] == "public address"]


async def test_a_certificate_that_is_self_made_is_a_problem_until_whoever_asks_trusts_it(app, tmp_path):
    files = written(tmp_path)
    async with proxy(app.public_port, files) as through:
        code, [found] = await doctor(tmp_path, through)
        assert (code, found["state"]) == (6, "problem")
        assert found["said"].endswith("its certificate is self-made, and senders that see the same send nothing")
        assert "SSL_CERT_FILE=that.pem relay doctor" in found["remedy"]

        code, found = await doctor(tmp_path, through, SSL_CERT_FILE=str(files[0]))
        assert (code, [one["state"] for one in found]) == (0, ["ok", "ok"])


@pytest.mark.parametrize(
    ("address", "good_for", "said", "remedy"),
    [
        ("127.0.0.1", -HOUR, "its certificate has expired", "renew it"),
        ("127.0.0.2", HOUR, "its certificate is for another name", "the name in this address"),
    ],
)
async def test_a_certificate_is_told_by_what_is_wrong_with_it(tmp_path, address, good_for, said, remedy):
    (tmp_path / "relay.yaml").write_text(CONFIG)
    files = written(tmp_path, address, good_for)
    async with proxy(None, files) as through:
        code, [found] = await doctor(tmp_path, through, SSL_CERT_FILE=str(files[0]))
    assert (code, said in found["said"], remedy in found["remedy"]) == (6, True, True), found


async def test_a_proxy_that_passes_on_webhooks_and_nothing_else_is_no_problem(app, tmp_path):
    async with proxy(app.public_port) as through:
        code, found = await doctor(tmp_path, through)
    assert (code, [one["state"] for one in found]) == (0, ["ok", "ok"])


async def test_a_proxy_with_nobody_behind_it_is_told_from_one_that_leads_elsewhere(tmp_path):
    (tmp_path / "relay.yaml").write_text(CONFIG.replace("127.0.0.1:0", "127.0.0.1:1"))
    async with proxy(None, kept=b"502 Bad Gateway") as through:
        code, [_, found] = await doctor(tmp_path, through)
    assert (code, found["said"]) == (6, "callscaler: answered 502 on the way, and nobody answers at 127.0.0.1:1")
    assert "`relay serve`" in found["remedy"]

    async with proxy(None) as through:
        code, [found] = await doctor(tmp_path, through)
    assert (code, found["said"].endswith("answers 404, whatever is asked")) == (6, True)
