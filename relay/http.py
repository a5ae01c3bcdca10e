"""Requests to the outside: guarded at the socket, bounded in time and size, and read into one plain answer."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import email.utils
import ipaddress
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import aiohappyeyeballs
import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic_core import from_json
from yarl import URL

from relay.deadlines import Deadlines
from relay.errors import Forbidden, Gone, Invalid, NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unclear
from relay.exchange import CONNECT_SECONDS, Target, exchange
from relay.models import quick
from relay.network import Network, is_this_machine
from relay.unreached import broke_off, no_answer, no_whole_answer, why_no_connection

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BODY_CAP", "CONNECT_SECONDS", "GRACE", "LOOKUPS", "RETRY_AFTER_MOST", "Answer", "Http", "Network"]

BODY_CAP = 64 * 1024
RETRY_AFTER_MOST = 6 * 3600.0
LOOKUPS = 32
"""Names that are looked up at the same time."""
GRACE = 3
"""Tries before a 4xx that may be a passing misconfiguration counts as final (reliability, section 1)."""

TARGETS = 256
"""Addresses that are remembered as they were found admissible."""
_AGAIN = {408, 425}
_REFUSED_PORTS = {0, 22, 25}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")


class _Denied(OSError):
    """Raised at the socket, where aiohttp expects an OSError."""


@quick
@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers, and the body up to the cap."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            Unclear: when it is something else: a 2xx that cannot be read proves nothing.
        """
        with contextlib.suppress(ValueError):
            return from_json(self.body)
        try:
            return json.loads(self.body)  # it knows halves of characters, which the quicker reader does not
        except (ValueError, RecursionError) as error:
            raise Unclear(f"answered {self.status} with something that is not JSON") from error

    @property
    def retry_after(self) -> float | None:
        """Seconds named by Retry-After, as a number or a date, clamped to 1 second .. 6 hours; None without one."""
        text = self.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return min(max(float(text[:12]), 1.0), RETRY_AFTER_MOST)
        when = _moment(text)
        if when is None:
            return None
        # Counted by the clock of whoever wrote the date, where that is told: ours may be wrong.
        base = _moment(self.headers.get("Date", "")) or dt.datetime.now(dt.UTC)
        return min(max((when - base).total_seconds(), 1.0), RETRY_AFTER_MOST)

    def raise_for_status(self) -> None:
        """Nothing for 2xx; else the error that says what to do next.

        Raises:
            Unavailable: 408, 425, 429, 5xx.
            Rejected: everything else, redirects included; 4xx with the grace of the table.
        """
        status, reason = self.status, f"answered {self.status}"
        if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own classes
            return
        match status:
            case 429:
                raise RateLimited(reason, retry_after=self.retry_after)
            case 401:
                raise Unauthorized(f"{reason}: the key or token was not accepted", grace=GRACE)
            case 403:
                raise Forbidden(f"{reason}: the key or token may not do this", grace=GRACE)
            case 404:
                raise NotFound(f"{reason}: there is nothing at this address", grace=GRACE)
            case 410:
                raise Gone(f"{reason}: the receiver is gone for good")
            case _ if status in _AGAIN or status >= 500:  # noqa: PLR2004
                raise Unavailable(reason, retry_after=self.retry_after)
            case _ if 300 <= status < 400:  # noqa: PLR2004
                raise Rejected(f"{reason}: redirects are not followed; use the final address", grace=GRACE)
        raise Invalid(f"{reason}: the receiver did not accept the request", grace=GRACE)


def _moment(written: str) -> dt.datetime | None:
    """A date as HTTP writes it; None where it is none."""
    try:
        read = email.utils.parsedate_to_datetime(written)
    except (ValueError, TypeError):
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=dt.UTC)


class _GuardedResolver(AbstractResolver):
    """Looks names up afresh each time and refuses an answer that holds any forbidden address."""

    def __init__(self, network: Network) -> None:
        self._network = network
        # Threads of its own: uvloop looks names up in four that everything shares, and one slow server fills those.
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        look_up = partial(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )
        found = []
        for kind, _, protocol, _, address in await asyncio.get_running_loop().run_in_executor(self._threads, look_up):
            name = str(address[0])
            _require(self._network, name)
            numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            found.append(ResolveResult(hostname=host, host=name, port=port, family=kind, proto=protocol, flags=numeric))
        return found

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _require(network: Network, host: str) -> None:
    if not network.permits(ipaddress.ip_address(host.partition("%")[0])):
        raise _Denied(
            f"ip_denied: {host} is not a public address, and none other is reached unless it is named under network: "
            "allow: in relay.yaml"
        )


class Http:
    """One guarded client session: connectors and the API client share its rules, never cookies or redirects."""

    def __init__(self, network: Network | None = None, own: set[tuple[str, int]] | None = None) -> None:
        """`own` are the (host, port) that the relay itself listens on, which no request of its own may reach.

        They may be added to.
        """
        self.network = network or Network()
        self.own = set() if own is None else own
        self._session: aiohttp.ClientSession | None = None
        self._targets: dict[str, Target] = {}
        self._deadlines = Deadlines()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The guarded session itself, for libraries that want one; opened on first use, inside a running loop."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    use_dns_cache=False,
                    resolver=_GuardedResolver(self.network),
                    socket_factory=self._open_socket,
                    ssl=self.network.tls(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=True,
                timeout=aiohttp.ClientTimeout(total=15, connect=CONNECT_SECONDS, sock_read=10),
            )
        return self._session

    @property
    def _connector(self) -> aiohttp.BaseConnector:
        return cast("aiohttp.BaseConnector", self.session.connector)

    def _open_socket(self, info: tuple[Any, Any, int, str, Any]) -> socket.socket:
        family, kind, protocol, _, address = info
        _require(self.network, address[0])
        self._refuse_own(str(address[0]), int(address[1]))
        return socket.socket(family, kind, protocol)

    def _refuse_own(self, host: str, port: int) -> None:
        if any(port == own for _, own in self.own) and is_this_machine(ipaddress.ip_address(host.partition("%")[0])):
            raise _Denied(f"ip_denied: {host}:{port} is the relay itself: name the service's own address")

    def admit(self, url: str) -> URL:
        """The address, if it may be used at all.

        Raises:
            Rejected: it is no https address (http only where allowed), or its host, port or parts are refused.
        """
        try:
            target = URL(url)
            port = target.port
        except ValueError:
            raise Rejected("the address cannot be read as a URL") from None
        if target.scheme != "https" and not (target.scheme == "http" and self.network.allow_http):
            raise Rejected("only https addresses are used; network: allow_http: true permits http")
        if not target.host or target.user or target.password or target.fragment:
            raise Rejected("the address needs a host and may hold no user, password or fragment")
        if port in _REFUSED_PORTS:
            raise Rejected(f"port {port} is never used for webhooks")
        return target

    def _target(self, url: str) -> Target:
        """The address as it is asked for, found out once."""
        target = self._targets.get(url)
        if target is None:
            target = Target.of(self.admit(url))
            if len(self._targets) >= TARGETS:
                self._targets.clear()
            self._targets[url] = target
        return target

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 15.0,  # noqa: ASYNC109 - one bound over the whole exchange, body included
        cap: int = BODY_CAP,
    ) -> Answer:
        """Send one request, without retries or redirects, and read at most `cap` bytes of the answer.

        Raises:
            Rejected: the address may not be used.
            Unavailable: it provably never arrived (no connection).
            Unclear: it was sent, and no whole answer came in time.
        """
        target = self._target(url)
        host, port = target.url.host or "", target.url.port
        sent = _sound(headers or {})
        if json is not None:
            data = _dump(json)
            sent.setdefault("Content-Type", "application/json")
        sent.setdefault("User-Agent", "callscaler-relay")
        try:
            with self._deadlines.within(timeout):
                return Answer(*await exchange(self._connector, target, method, sent, data, cap))
        except aiohttp.ClientConnectorCertificateError as error:
            raise Unavailable(why_no_connection(error.certificate_error, host, port)) from None
        except aiohttp.ClientConnectorError as error:
            cause = error.os_error
            if isinstance(cause, _Denied) or "ip_denied" in str(cause):
                raise Rejected(str(cause)) from None
            raise Unavailable(why_no_connection(cause, host, port)) from None
        except aiohttp.ConnectionTimeoutError:
            raise Unavailable(no_answer(host, port, CONNECT_SECONDS)) from None
        except aiohttp.InvalidURL:
            raise Rejected("the address cannot be read as a URL") from None
        except TimeoutError:
            raise Unclear(no_whole_answer(host, timeout)) from None
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            raise Unclear(broke_off(host, error)) from None

    async def connect(self, host: str, port: int) -> socket.socket:
        """A connection for what speaks no HTTP (SMTP), under the same guard.

        Raises:
            Rejected: one of the host's addresses may not be reached.
            Unavailable: nobody answers.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                for entry in found:
                    _require(self.network, str(entry[4][0]))
                    self._refuse_own(str(entry[4][0]), port)
                opened = await aiohappyeyeballs.start_connection(found, loop=loop)
        except _Denied as denied:
            raise Rejected(str(denied)) from None
        except TimeoutError:
            raise Unavailable(no_answer(host, port, CONNECT_SECONDS)) from None
        except OSError as error:
            raise Unavailable(why_no_connection(error, host, port)) from None
        return opened

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def _dump(value: Any) -> bytes:
    """A body as JSON; halves of surrogate pairs, which no UTF-8 can hold, become U+FFFD.

    Raises:
        Invalid: it cannot be written as JSON (NaN, or no JSON value at all).
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise Invalid(f"the body cannot be written as JSON: {type(error).__name__}") from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _sound(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers, if they can be sent at all: found out here, an error is no question of what may have happened.

    Raises:
        Invalid: a name or a value holds what no header can.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise Invalid(f"the header {name!r} holds characters that no header can")
    return CIMultiDict(headers)
