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
_NOBODY_BEHIND = frozenset({502, 503, 504})
"""What a proxy answers that reaches nobody itself."""
LARGE = 240 * 1024
"""Bytes of a body that every proxy on the way must let through; the relay itself takes 256 KiB."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back; `fault` says what went wrong where nothing did, `remedy` what that wants."""

    status: int = 0
    seconds: float = 0.0
    location: str = ""
    fault: str = ""
    remedy: str = ""


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
        return [*found, wrong(f"{base}: {reached.fault}", reached.remedy or _UNREACHED)]
    if reached.status in range(300, 400):
        return [*found, _redirected(reached)]
    probes = [await _probe(bench, base, source) for source in bench.sources.values()]
    # A proxy may well keep everything but /hooks/ to itself, so that this alone is no fault.
    if reached.status not in {200, *_NOBODY_BEHIND} and all(status in {0, reached.status} for status, _ in probes):
        remedy = "let the proxy pass /hooks/ on to server: listen; something else answers there now"
        return [*found, wrong(f"{base} answers {reached.status}, whatever is asked", remedy)]
    found.append(fine(f"reached, in {1000 * reached.seconds:.0f} ms"))
    return [*found, *(finding for _, findings in probes for finding in findings)]


async def _probe(bench: Bench, base: str, source: Source) -> tuple[int, list[Finding]]:
    """One source: a small probe, a large one, and whether the small one came to this relay's ledger.

    The status is that of the small one; 0 where none came back.
    """
    path = f"/hooks/{source.name}"
    token = f"probe-{secrets.token_hex(8)}"
    try:
        answer = await _post(f"{base}{path}", source, {"test": True, "probe": token}, bench.clock())
    except ValueError as error:
        return 0, [note(f"{source.name}: not probed: {error}")]
    if answer.fault:
        return 0, [wrong(f"{source.name}: {answer.fault}", answer.remedy or _UNREACHED)]
    if answer.status != 200:  # noqa: PLR2004 - HTTP's own
        return answer.status, [await _refused(bench, path, source, answer)]
    found = [fine(f"{source.name}: proved and answered in {1000 * answer.seconds:.0f} ms")]
    large = await _post(f"{base}{path}", source, {"test": True, "probe": token, "pad": "x" * LARGE}, bench.clock())
    if large.fault or large.status != 200:  # noqa: PLR2004 - HTTP's own
        said = large.fault or f"answered {large.status}"
        remedy = "raise the proxy's limit on bodies to 256 KiB (nginx: client_max_body_size 256k)"
        found.append(wrong(f"{source.name}: a long body does not come through: {said}", remedy))
    if bench.store is not None and not await _arrived(bench, token):
        remedy = "the address leads to another relay, or this ledger is not the one it writes to"
        found.append(wrong(f"{source.name}: the probe was answered, and is not in this ledger", remedy))
    return answer.status, found


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
    if direct.fault:
        said = f"{source.name}: answered {answer.status} on the way, and nobody answers at {bench.listen}"
        return wrong(said, "`relay serve` starts it; a proxy then has somebody to pass webhooks on to")
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
    except aiohttp.ClientConnectorCertificateError as error:
        return _distrusted(error.certificate_error)
    except aiohttp.ClientConnectorDNSError:
        return _Answer(
            fault="the name leads nowhere (DNS)", remedy="set an A record, or wait until it is known everywhere"
        )
    except aiohttp.ClientSSLError:
        return _Answer(fault="it speaks no proper TLS", remedy="let the proxy speak TLS 1.2 or newer there")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _Answer(fault=f"cannot be reached ({type(error).__name__})")


def _distrusted(error: Exception) -> _Answer:
    """What is wrong with the certificate; whatever it is, senders see the same and send nothing."""
    code, told = getattr(error, "verify_code", 0), getattr(error, "verify_message", "") or "it cannot be verified"
    fault, remedy = _CERTIFICATES.get(code, (f"its certificate is not valid: {told}", "let the proxy show another"))
    return _Answer(fault=f"{fault}, and senders that see the same send nothing", remedy=remedy)


_UNREACHED = "open the port, start the proxy or tunnel, and see that it passes on to server: listen"
_SELF_MADE = (
    "its certificate is self-made",
    "take one that all trust (Caddy does, certbot for nginx); `SSL_CERT_FILE=that.pem relay doctor` proves the rest",
)
_NOBODYS = (
    "nobody whom this machine trusts vouches for its certificate",
    "let the proxy serve the whole chain (nginx: fullchain.pem); an authority of your own is nobody to senders outside",
)
_OF_ANOTHER = (
    "its certificate is for another name",
    "get one for the name in this address, or give senders the other name",
)
_CERTIFICATES = {
    9: ("its certificate is not valid yet", "set the clock of this machine, or wait"),
    10: ("its certificate has expired", "renew it (certbot renew), and let the proxy read it anew (nginx -s reload)"),
    18: _SELF_MADE,
    19: _SELF_MADE,
    20: _NOBODYS,
    21: _NOBODYS,
    62: _OF_ANOTHER,
    64: _OF_ANOTHER,
}
"""By OpenSSL's X509_V_ERR_… (docs.openssl.org, X509_STORE_CTX_get_error): what is said, and what to do."""
