"""huey as a relay: an aiohttp handler that checks the secret and enqueues, and huey's own consumer, which posts.

Run by the interpreter of the peers' folder, as are its consumer's threads (four, as huey's documentation has it).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
import uvloop
from aiohttp import web
from huey import SqliteHuey

huey = SqliteHuey(filename=os.environ["PEER_DB"], fsync=os.environ["PEER_FSYNC"] == "1")
session = requests.Session()


@huey.task(retries=10, retry_delay=5)  # type: ignore[untyped-decorator]  # huey has no types
def deliver(body: str) -> None:
    """Post one body to the sink."""
    answer = session.post(os.environ["PEER_SINK"], data=body.encode(), headers={"Content-Type": "application/json"})
    answer.raise_for_status()


async def take(request: web.Request) -> web.Response:
    """Check, enqueue, answer."""
    if request.headers.get("X-Relay-Secret") != os.environ["BENCH_SECRET"]:
        return web.Response(status=401)
    deliver((await request.read()).decode())
    return web.Response(status=202)


def main() -> None:
    """Serve until killed, with the consumer as a child."""
    here = Path(__file__).parent
    consumer = Path(sys.executable).with_name("huey_consumer")
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(here)}
    with subprocess.Popen([consumer, "huey_door.huey", "-w", "4", "-q"], env=environment) as child:
        app = web.Application()
        app.router.add_post("/hooks/{source}", take)
        try:
            web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, loop=uvloop.new_event_loop())
        finally:
            child.terminate()


if __name__ == "__main__":
    import huey_door  # by the name under which the consumer knows its task

    huey_door.main()
