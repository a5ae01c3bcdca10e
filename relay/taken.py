"""The answer to a webhook that was taken, written as it stands.

aiohttp builds the head of every answer anew, header by header, which takes longer than to read the call.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import web

from relay.problems import SERVER

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

_REASONS = {200: "OK", 202: "Accepted"}


class Taken(web.StreamResponse):
    """200 or 202 with JSON, to a request of HTTP/1.1."""

    def __init__(self, status: int, body: bytes) -> None:
        """`body` is JSON."""
        super().__init__(status=status, reason=_REASONS[status])
        self._json = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write head and body in one.

        Raises:
            ConnectionResetError: nobody is there any more to be answered.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("whoever asked is gone")
        self._keep_alive = request.keep_alive
        close = b"" if self._keep_alive else b"Connection: close\r\n"
        head = b"%sContent-Length: %d\r\n%s\r\n" % (_head(self.status, int(time.time())), len(self._json), close)
        transport.write(head + self._json)
        self._eof_sent = True
        return None


@lru_cache(4)
def _head(status: int, at: int) -> bytes:
    """The head but for what differs between answers of the same second (Unix seconds)."""
    return (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\nServer: {SERVER['Server']}\r\n"
        f"Date: {formatdate(at, usegmt=True)}\r\n"
    ).encode()
