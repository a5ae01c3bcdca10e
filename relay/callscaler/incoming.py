"""A body that is read as it comes in, never whole: audio, CSV, and the listing of texts."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aiohttp import ClientError

from relay.callscaler.answers import lost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import aiohttp

    from relay.callscaler.operations import Operation
    from relay.callscaler.transport import Transport

AUDIO_CAP = 25 * 1024 * 1024
CSV_CAP = 64 * 1024 * 1024
_MOST_WAITING = 300.0
"""Seconds spent waiting for bytes in one body; a trickle ends here."""


class Sink(Protocol):
    """Whatever takes bytes: an open file, standard output, a buffer."""

    def write(self, data: bytes, /) -> object:
        """Take them."""


class Incoming:
    """One open answer; `patience` seconds without a byte end it, as do more than `cap` bytes."""

    def __init__(self, operation: Operation, response: aiohttp.ClientResponse, *, cap: int, patience: float) -> None:
        self.operation = operation
        self._response = response
        self._cap = cap
        self._patience = patience

    @property
    def size(self) -> int | None:
        """Bytes to come, when the service says so."""
        return self._response.content_length

    @property
    def content_type(self) -> str:
        """The media type, without parameters."""
        return self._response.content_type

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces.

        Raises:
            Unavailable: it is larger than the cap, too slow, or broke off.
        """
        if (self.size or 0) > self._cap:
            raise self._too_large()
        clock = asyncio.get_running_loop().time
        read, waited = 0, 0.0
        while True:
            began = clock()
            try:
                async with asyncio.timeout(min(self._patience, _MOST_WAITING - waited)):
                    chunk = await self._response.content.readany()
            except TimeoutError:
                raise lost(self.operation, f"the body stalled after {read} bytes") from None
            except (ClientError, OSError, ValueError) as error:
                raise lost(self.operation, f"the body broke off after {read} bytes ({type(error).__name__})") from None
            waited += clock() - began
            read += len(chunk)
            if read > self._cap:
                raise self._too_large()
            if not chunk:
                return
            yield chunk

    def _too_large(self) -> Exception:
        return lost(self.operation, f"the body is larger than {self._cap // 1024 // 1024} MiB")


async def download(
    transport: Transport,
    name: str,
    values: dict[str, object],
    to: Path | Sink,
    *,
    cap: int,
    progress: Callable[[int, int | None], None] | None = None,
) -> int:
    """Write the file that an operation answers; a path gets all of it or is left as it was. Returns its bytes.

    `progress` is told the bytes so far and, where known, how many there will be.

    Raises:
        Unavailable: it is no file, is empty, larger than `cap` bytes, or broke off.
        OSError: the file cannot be written.
    """
    written = 0
    async with transport.opened(name, values, cap=cap) as incoming:
        if incoming.content_type == "application/json":
            raise lost(incoming.operation, "answered with JSON instead of a file")
        with _whole(to) as sink:
            async for chunk in incoming.chunks():
                await asyncio.to_thread(sink.write, chunk)
                written += len(chunk)
                if progress:
                    progress(written, incoming.size)
            if not written:
                raise lost(incoming.operation, "answered with an empty file")
    return written


@contextmanager
def _whole(to: Path | Sink) -> Iterator[Sink]:
    """An open file that takes its name only when it is complete; anything else is written to as it is."""
    if not isinstance(to, Path):
        yield to
        return
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
