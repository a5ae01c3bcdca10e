"""The one way out to the API: the allow-list, the key, retries of reads, and answers read into values or errors."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import ClientError, ClientTimeout
from pydantic import SecretStr
from yarl import URL

from relay.callscaler.answers import bad_key, lost, no_key, read_json, refusal
from relay.callscaler.incoming import Incoming
from relay.callscaler.operations import Deed
from relay.callscaler.table import OPERATIONS
from relay.errors import Forbidden, Rejected, Unauthorized, Unavailable, Unclear
from relay.http import BODY_CAP, CONNECT_SECONDS, Answer, Http
from relay.ticks import elapsed
from relay.unreached import broke_off, no_answer, why_no_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    import aiohttp

    from relay.callscaler.operations import Operation, Request

JSON_CAP = 2 * 1024 * 1024
"""Bytes of one JSON answer."""
TRIES = 3
SHUT_OUT = 300.0
"""Seconds for which a key that was refused (401) is not shown again: no loop that asks again makes it any better."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
"""Seconds; a service that asks for more is told to the caller, who can do other things meanwhile."""

R = TypeVar("R")


class Transport:
    """Sends operations of the table, and nothing else."""

    def __init__(
        self,
        http: Http,
        *,
        api_key: str | SecretStr,
        base_url: str,
        everything: bool,
        timeout: float,
        sleep: Callable[[float], Awaitable[Any]],
        clock: Callable[[], float] = elapsed,
    ) -> None:
        """`clock` tells seconds since some moment."""
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
        self._http = http
        self._key = SecretStr(key.strip())
        self._base_url = base_url.rstrip("/")
        self._everything = everything
        self._timeout = timeout
        self._sleep = sleep
        self._clock = clock
        self._refused: tuple[float, str] | None = None
        """When the key was last refused, and in what words; None while it is taken."""

    async def ask(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - handed to Http, which bounds the exchange with it
        tries: int = TRIES,
    ) -> Any:
        """The JSON of a 2xx answer; None where an operation that changes something answered without a body.

        Only GETs are tried more than once, and only while nothing was heard of them.

        Raises:
            Rejected: the service, the table or the network rules said no.
            Unavailable: a read failed, or nothing was sent.
            Unclear: something was sent that may have happened.
        """
        operation, request = self._permitted(name, values)
        bound = timeout or self._timeout

        async def act() -> Any:
            answer = await self._exchange(request, bound)
            self._require_success(operation, answer)
            if len(answer.body) > JSON_CAP:
                raise lost(operation, f"answered more than {JSON_CAP // 1024} KiB; ask for fewer rows")
            return read_json(operation, answer)

        return await self._again(act, tries if operation.method == "GET" else 1)

    @asynccontextmanager
    async def opened(self, name: str, values: Mapping[str, Any], *, cap: int) -> AsyncIterator[Incoming]:
        """The body of a 2xx answer as it comes in, up to `cap` bytes; opening is retried, reading is not.

        Raises:
            Rejected: the service, the table or the network rules said no.
            Unavailable: it could not be opened; reading it raises the same.
        """
        operation, request = self._permitted(name, values)
        response = await self._again(lambda: self._open(request), TRIES)
        try:
            yield Incoming(operation, response, cap=cap, patience=self._timeout)
        finally:
            response.close()

    def _permitted(self, name: str, values: Mapping[str, Any]) -> tuple[Operation, Request]:
        operation = OPERATIONS[name]
        if operation.deed is Deed.FINAL and not self._everything:
            raise Forbidden(
                f"{operation.address} costs money or cannot be undone, and is off; "
                "in the shell --yes permits it, in a program CallScaler(everything=True)"
            )
        left = 0.0 if self._refused is None else self._refused[0] + SHUT_OUT - self._clock()
        if self._refused is not None and left > 0:
            # Nothing was sent, so that this is no try that the key failed.
            raise Unavailable(f"{self._refused[1]}; it is shown again in {left:.0f} s", retry_after=left)
        return operation, operation.request(values)

    async def _exchange(self, request: Request, timeout: float) -> Answer:  # noqa: ASYNC109 - as in ask
        operation = request.operation
        try:
            return await self._http.request(
                operation.method,
                self._url(request),
                json=request.body,
                headers=self._headers(request, "application/json"),
                timeout=timeout,
                cap=JSON_CAP + 1,
            )
        except Unavailable as failure:
            raise Unavailable(f"{operation.address}: {failure}") from None
        except Unclear as failure:
            raise lost(operation, str(failure)) from None

    async def _open(self, request: Request) -> aiohttp.ClientResponse:
        operation = request.operation
        target = self._admitted(self._url(request))
        host = target.host or ""
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.session.request(
                    operation.method,
                    target,
                    headers=self._headers(request, "*/*"),
                    allow_redirects=False,
                    timeout=ClientTimeout(total=None, connect=CONNECT_SECONDS),
                )
                told = "HTML" if response.content_type == "text/html" else "an empty body"
                whole = told != "HTML" and response.content_length != 0
                if 200 <= response.status < 300 and whole:  # noqa: PLR2004 - HTTP's own classes
                    return response
                async with response:
                    self._require_success(operation, Answer(response.status, response.headers, await _start(response)))
                raise lost(operation, f"answered {response.status} with {told}; is the base URL right?")
        except TimeoutError:
            raise Unavailable(f"{operation.address}: {no_answer(host, target.port, self._timeout)}") from None
        except (ClientError, OSError) as error:
            if "ip_denied" in str(cause := getattr(error, "os_error", error)):
                raise Rejected(f"{operation.address}: {cause}") from None
            why = why_no_connection(cause, host, target.port) if isinstance(cause, OSError) else broke_off(host, error)
            raise Unavailable(f"{operation.address}: {why}") from None

    def _admitted(self, url: str) -> URL:
        return self._http.admit(url)

    def _url(self, request: Request) -> str:
        base = URL(self._base_url)
        if base.query_string or base.fragment:
            raise Rejected("the base URL may hold no query and no fragment")
        return str(URL(f"{self._base_url}{request.path}").with_query(list(request.query) or None))

    def _headers(self, request: Request, accept: str) -> dict[str, str]:
        key = self._key.get_secret_value()
        if not key:
            raise no_key()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise bad_key()
        return {"Authorization": f"Bearer {key}", "Accept": accept, **request.headers}

    def _require_success(self, operation: Operation, answer: Answer) -> None:
        refused = None
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own classes
            refused = refusal(operation, answer, self._key.get_secret_value())
        self._refused = (self._clock(), str(refused)) if isinstance(refused, Unauthorized) else None
        if refused is not None:
            raise refused

    async def _again(self, act: Callable[[], Awaitable[R]], tries: int) -> R:
        pause = _FIRST_PAUSE
        for left in reversed(range(tries)):
            try:
                return await act()
            except Unavailable as failure:
                wait = pause if failure.retry_after is None else failure.retry_after
                if not left or wait > _LONGEST_PAUSE:
                    raise
            await self._sleep(wait)
            pause *= 2
        raise AssertionError  # pragma: no cover - the last try returns or raises


async def _start(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of an error's body; the rest is not wanted."""
    body = b""
    while len(body) < BODY_CAP and (chunk := await response.content.readany()):
        body += chunk
    return body[:BODY_CAP]
