"""Requests that are nearly right, by the thousand: each is answered, and none with a mistake of ours.

`make soak` throws a million.
"""

from __future__ import annotations

import structlog
from structlog.testing import capture_logs

from relay.intake import Intake, Source
from relay.intake.door import RefusalLimit
from relay.listening import listen
from relay.metrics import Metrics
from relay.proof import ProofForm
from relay.server import Door
from tests.fuzzing import fuzz
from tests.sized import sized

SECRET = "false-secret-0001-0001"
REQUESTS = sized(5000, 20_000)
ALLOWED = {100, 200, 202, 400, 401, 404, 405, 408, 411, 413, 415, 417, 422, 429, 501, 505}


async def test_no_bent_request_is_a_mistake_of_ours(ledger, clock):
    proof = ProofForm.model_validate({"header": "X-Relay-Secret", "secret": SECRET}).proof()
    intake = Intake(ledger, clock, Metrics())
    intake._limit = RefusalLimit(burst=1000.0)
    door = Door(intake, {"phone": Source("phone", "callscaler", proof)}, body_seconds=0.2)
    runner, port = await listen(door.app(), "127.0.0.1", 0, linger=0.05, keepalive=0.2, way=door.quickly)
    with capture_logs() as logs:
        structlog.get_logger("relay.server")
        seen = await fuzz(port, SECRET, REQUESTS, seed=6)
    await runner.cleanup()
    await intake.drain()
    assert set(seen) <= ALLOWED, seen
    assert sum(seen.values()) > REQUESTS * 3 / 4, seen
    assert {202, 200, 400, 401, 404, 405, 415, 422, 429} <= set(seen), seen
    assert [log for log in logs if log["log_level"] in {"error", "critical"}] == []
    assert len(await ledger.events(limit=10)) == 10
