"""One request and its answer over a kept connection: aiohttp's connector and parser, without its session's layers.

A session readies each request for redirects, cookies, middlewares, traces, and a body that is written by a task of its
own. Nothing here uses any of that, and it took more than half of the time of a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from multidict import CIMultiDict, CIMultiDictProxy
    from yarl import URL

CONNECT_SECONDS = 5.0
_CHUNK = 16 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
_BODILESS = {"GET", "HEAD", "OPTIONS", "TRACE"}
"""Methods that say nothing of the length of a body where there is none (RFC 9110, 8.6)."""
_REPEATABLE = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
"""Methods that mean the same however often they are heard (RFC 9110, 9.2.2)."""
_ACCEPTED = aiohttp.ClientRequest.DEFAULT_HEADERS.items()
"""What is said of the answers that can be read: encodings, by what is installed."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address, and what of it the wire and the connector want; the same for every request to it."""

    url: URL
    host: str
    """As it stands in a request, with a port that is not the usual one."""
    path: str
    way: aiohttp.ClientRequest
    """By what of it the connector finds a kept connection, or opens one."""

    @classmethod
    def of(cls, url: URL) -> Target:
        """Called inside a running loop."""
        way = aiohttp.ClientRequest("GET", url)
        return cls(url, way.headers["Host"], url.raw_path_qs, way)


async def exchange(
    connector: aiohttp.BaseConnector,
    target: Target,
    method: str,
    headers: CIMultiDict[str],
    data: bytes | None,
    cap: int,
) -> tuple[int, CIMultiDictProxy[str], bytes]:
    """Status, headers and at most `cap` bytes of body; `headers` are completed, and sound.

    What is heard the same twice is sent once more where a kept connection turns out to be closed.

    Raises:
        aiohttp.ClientError: as its session does.
        HttpProcessingError: what came is no answer.
        OSError: the connection broke.
    """
    head = _head(target, method, headers, data)
    if method in _REPEATABLE:
        try:
            return await _once(connector, target, method, head, data, cap)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            pass
    return await _once(connector, target, method, head, data, cap)


async def _once(
    connector: aiohttp.BaseConnector, target: Target, method: str, head: bytes, data: bytes | None, cap: int
) -> tuple[int, CIMultiDictProxy[str], bytes]:
    try:
        connection = await connector.connect(target.way, [], _TIMEOUT)
    except TimeoutError as error:
        raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {target.host}") from error
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or transport.is_closing():
        connection.close()
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    try:
        protocol.set_response_params(skip_payload=method == "HEAD", read_until_eof=True)
        transport.writelines((head, data) if data else (head,))
        message, payload = await protocol.read()
        while 100 <= message.code < 200 and message.code != 101:  # noqa: PLR2004 - no answer yet (RFC 9110, 15.2)
            message, payload = await protocol.read()
        body = await _read(payload, cap)
    except BaseException:
        connection.close()
        raise
    if transport.get_write_buffer_size():
        connection.close()  # answered before it was read: the rest would stand before the next request
    else:
        connection.release()  # which closes it where there is more of the answer
    return message.code, message.headers, body


def _head(target: Target, method: str, headers: CIMultiDict[str], data: bytes | None) -> bytes:
    host = headers.pop("Host", target.host)
    for name, value in _ACCEPTED:
        headers.setdefault(name, value)
    headers.popall("Transfer-Encoding", None)
    if data is not None or method not in _BODILESS:
        headers["Content-Length"] = str(len(data or b""))
    if data is not None:
        headers.setdefault("Content-Type", "application/octet-stream")
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"{method} {target.path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode()


async def _read(content: aiohttp.StreamReader, cap: int) -> bytes:
    body = await content.read(_CHUNK)
    if content.at_eof():
        return body[:cap]
    chunks, size = [body], len(body)
    while size < cap and (chunk := await content.read(_CHUNK)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)[:cap]
