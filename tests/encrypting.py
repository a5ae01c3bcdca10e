"""TLS before a PostgreSQL server that was built without it: to whoever connects, the two are one server with it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING

from tests.certificate import certificate_for
from tests.ports import free_port

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from pathlib import Path

_ASKS_FOR_TLS = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""SSLRequest (https://www.postgresql.org/docs/current/protocol-message-formats.html)."""
PLACES = ["127.0.0.1", "127.0.0.2"]
"""Where it is found; its certificate is for the first one only."""


class Encrypting:
    """Takes encrypted connections only, and passes on what is said in them."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = free_port()
        self.certificate = folder / "certificate.pem"
        self.taken = 0
        """Connections that were encrypted."""
        key, certificate = certificate_for(PLACES[0])
        self.certificate.write_bytes(certificate)
        (folder / "key.pem").write_bytes(key)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(self.certificate, folder / "key.pem")
        self._to = port
        self._server: asyncio.Server | None = None
        self._open: set[StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._pass, PLACES, self.port)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _pass(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if await reader.readexactly(len(_ASKS_FOR_TLS)) == _ASKS_FOR_TLS:
                writer.write(b"S")
                await writer.start_tls(self._context)
                self.taken += 1
                there, back = await asyncio.open_connection(PLACES[0], self._to)
                self._open |= {writer, back}
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
        self._open.discard(writer)
        writer.transport.abort()


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.transport.abort()
