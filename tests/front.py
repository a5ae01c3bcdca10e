"""The door as a sender meets it: bytes in, answers out, on a socket of its own."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from relay import server
from relay.intake import Intake, Source
from relay.metrics import Metrics
from relay.proof import ProofForm
from relay.server import Door
from tests.patience import PATIENCE

SECRET = "false-secret-0001-0001-0001"
OLD = "false-secret-0000-0000-0000"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool
    """Whether the connection was closed behind it."""

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Front:
    port: int
    door: Door
    intake: Intake
    metrics: Metrics
    ticks: list = field(default_factory=lambda: [0.0])

    async def raw(self, request, *, answers=1):
        """Send bytes as they are; read that many answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            found = [await self._answer(reader) for _ in range(answers)]
        finally:
            writer.close()
        return found[0] if answers == 1 else found

    async def _answer(self, reader):
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rows = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            closed = headers.get("connection") == "close" or not line.startswith("HTTP/1.1")
            if closed:
                assert await reader.read() == b""
        return Answer(int(line.split()[1]), headers, body, closed)

    async def post(self, body, *, secret=SECRET, path="/hooks/phone", method="POST", headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {
            "Host": "relay.example",
            "Content-Type": "application/json",
            "X-Relay-Secret": secret,
            "Content-Length": str(len(body)),
            **dict(headers),
        }
        rows = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value is not None)
        return await self.raw(f"{method} {path} HTTP/1.1\r\n{rows}\r\n".encode("latin-1") + body)

    def count(self, outcome, source="phone"):
        return self.metrics.registry.get_sample_value("relay_events_total", {"source": source, "outcome": outcome}) or 0


@asynccontextmanager
async def open_door(ledger, clock, trusted=(), body_seconds=PATIENCE, **options):
    proof = ProofForm.model_validate({"header": "X-Relay-Secret", "secret": SECRET, "previous": OLD}).proof()
    sources = {
        "phone": Source("phone", "callscaler", proof),
        "crm": Source(
            "crm", "json", proof, {"call_id": "data.calls.0.ref", "event": "kind", "caller.number": "data.from"}
        ),
    }
    metrics, ticks = Metrics(), [0.0]
    intake = Intake(ledger, clock, metrics, ticks=lambda: ticks[0])
    door = Door(intake, sources, trusted, body_seconds=body_seconds)
    runner, port = await server.listen(door.app(), "127.0.0.1", 0, linger=0.05, way=door.quickly, **options)
    try:
        yield Front(port, door, intake, metrics, ticks)
    finally:
        await runner.cleanup()
        await intake.drain()
