"""The road in: a proved probe sent round the public address, as a sender would, and found again in the ledger."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from relay.doctor.bench import Finding, fine, note, wrong
from relay.proof import proving_headers

if TYPE_CHECKING:
    from relay.doctor.bench import Bench
    from relay.intake import Source

PATIENCE = 10.0
"""Seconds within which the phone system wants its answer."""
LARGE = 240 * 1024
"""Bytes of a body that every proxy on the way must let through; the relay itself takes 256 KiB."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back; `fault` says what went wrong where nothing did."""

    status: int = 0
    seconds: float = 0.0
    location: str = ""
    fault: str = ""


async def service(bench: Bench) -> list[Finding]:
    """Whether a service takes webhooks on this machine."""
    answer = await _ask("GET", f"http://{bench.listen}/healthz")
    if answer.fault:
        return [note(f"nobody answers at {bench.listen}", "`relay serve` starts it")]
    if answer.status != 200:  # noqa: PLR2004 - HTTP's own
        return [wrong(f"{bench.listen} answers {answer.status} to /healthz", "is it another program's address?")]
    return [fine(f"a service answers at {bench.listen}")]


async def road(bench: Bench) -> list[Finding]:
    """The public address, from outside in, for every source; the last step asks the ledger what arrived."""
    if not bench.through:
        return [note("the public address is not known", "set server: public_url, or say --through URL")]
    base = bench.through.rstrip("/")
    try:
        url = URL(base)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        return [wrong(f"{base} is no address", "write it as https://calls.example.com")]
    found = []
    if url.scheme == "http" and url.host not in {"127.0.0.1", "localhost", "::1"}:
        found.append(wrong("the public address is http: secrets travel readable", "put TLS before it (Caddy, nginx)"))
    reached = await _ask("GET", f"{base}/healthz")
    if reached.fault:
        return [*found, wrong(f"{base}: {reached.fault}", _REMEDIES.get(reached.fault, _UNREACHED))]
    if reached.status in range(300, 400):
        return [*found, _redirected(reached)]
    if reached.status != 200:  # noqa: PLR2004 - HTTP's own
        remedy = "let the proxy pass every path on to server: listen; something else answers there now"
        return [*found, wrong(f"{base}/healthz answers {reached.status}", remedy)]
    found.append(fine(f"reached, in {1000 * reached.seconds:.0f} ms"))
    for source in bench.sources.values():
        found += await _probe(bench, base, source)
    return found


async def _probe(bench: Bench, base: str, source: Source) -> list[Finding]:
    """One source: a small probe, a large one, and whether the small one came to this relay's ledger."""
    path = f"/hooks/{source.name}"
    token = f"probe-{secrets.token_hex(8)}"
    try:
        answer = await _post(f"{base}{path}", source, {"test": True, "probe": token}, bench.clock())
    except ValueError as error:
        return [note(f"{source.name}: not probed: {error}")]
    if answer.fault:
        return [wrong(f"{source.name}: {answer.fault}", _UNREACHED)]
    if answer.status != 200:  # noqa: PLR2004 - HTTP's own
        return [await _refused(bench, path, source, answer)]
    found = [fine(f"{source.name}: proved and answered in {1000 * answer.seconds:.0f} ms")]
    large = await _post(f"{base}{path}", source, {"test": True, "probe": token, "pad": "x" * LARGE}, bench.clock())
    if large.fault or large.status != 200:  # noqa: PLR2004 - HTTP's own
        said = large.fault or f"answered {large.status}"
        remedy = "raise the proxy's limit on bodies to 256 KiB (nginx: client_max_body_size 256k)"
        found.append(wrong(f"{source.name}: a long body does not come through: {said}", remedy))
    if bench.store is not None and not await _arrived(bench, token):
        remedy = "the address leads to another relay, or this ledger is not the one it writes to"
        found.append(wrong(f"{source.name}: the probe was answered, and is not in this ledger", remedy))
    return found


async def _refused(bench: Bench, path: str, source: Source, answer: _Answer) -> Finding:
    """Why a probe was not taken: asking again on this machine, past every proxy, tells whose doing it is."""
    if answer.status in range(300, 400):
        return _redirected(answer)
    direct = await _post(f"http://{bench.listen}{path}", source, {"test": True}, bench.clock())
    if direct.status == 200:  # noqa: PLR2004 - HTTP's own
        if answer.status in {401, 403}:
            header = source.proof.layout.header or "Authorization"
            remedy = f"let the proxy pass the header {header} on (some drop names with underscores, or Authorization)"
            return wrong(f"{source.name}: proved here, refused on the way ({answer.status})", remedy)
        return wrong(f"{source.name}: taken here, answered {answer.status} on the way", "see the proxy's own log")
    if answer.status == 401:  # noqa: PLR2004 - HTTP's own
        remedy = "the running service has another secret: restart it with today's environment"
        return wrong(f"{source.name}: the proof was not accepted", remedy)
    if answer.status == 404:  # noqa: PLR2004 - HTTP's own
        return wrong(
            f"{source.name}: answered 404", "the running service does not know this source: reload it (SIGHUP)"
        )
    return wrong(f"{source.name}: answered {answer.status}", "see `relay alerts` and the service's log")


def _redirected(answer: _Answer) -> Finding:
    return wrong(
        f"answers {answer.status}, a redirect to {answer.location or 'somewhere'}",
        "senders follow none: give them the final address, and set server: public_url to it",
    )


async def _arrived(bench: Bench, token: str) -> bool:
    """Whether the ledger has the probe; a service writes it down before it answers."""
    assert bench.store is not None  # noqa: S101 - asked before
    notes = await bench.store.requests(limit=100, kind="test")
    return any(token.encode() in note.body for note in notes)


async def _post(url: str, source: Source, body: dict[str, object], now: float) -> _Answer:
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **proving_headers(source.proof, data, now)}
    return await _ask("POST", url, data, headers)


async def _ask(method: str, url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> _Answer:
    """One request as a stranger makes it: the operator named the address, so no rule of ours stands in its way."""
    began = time.monotonic()
    try:
        async with (
            asyncio.timeout(PATIENCE),
            aiohttp.ClientSession(trust_env=False) as session,
            session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer,
        ):
            await answer.content.read(4096)
            location = str(URL(answer.headers.get("Location", "")).origin()) if "Location" in answer.headers else ""
            return _Answer(answer.status, time.monotonic() - began, location)
    except TimeoutError:
        return _Answer(fault=f"no answer within {PATIENCE:g} s")
    except aiohttp.ClientConnectorCertificateError:
        return _Answer(fault=_CERTIFICATE)
    except aiohttp.ClientConnectorDNSError:
        return _Answer(fault=_NO_NAME)
    except aiohttp.ClientSSLError:
        return _Answer(fault=_NO_TLS)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _Answer(fault=f"cannot be reached ({type(error).__name__})")


_CERTIFICATE = "its certificate is not valid"
_NO_NAME = "the name leads nowhere (DNS)"
_NO_TLS = "it speaks no proper TLS"
_UNREACHED = "open the port, start the proxy or tunnel, and see that it passes on to server: listen"
_REMEDIES = {
    _CERTIFICATE: "renew it; the whole chain must be served, and the name in it must be this one",
    _NO_NAME: "set an A record for it, or wait until it is known everywhere",
    _NO_TLS: "let the proxy speak TLS 1.2 or newer there",
}
