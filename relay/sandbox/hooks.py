"""Post-call webhooks on their way out: one address a call flow, three attempts, written into the deliveries log."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import aiohttp

from relay.sandbox import calls

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from relay.sandbox.route import World
    from relay.sandbox.state import Row

Mode = Literal["immediate", "wait_for_ai"]
RETRIES = (1.0, 5.0)
_SUCCESS = range(200, 300)
EVENTS = {
    "completed": "call.completed",
    "no-answer": "call.missed",
    "busy": "call.missed",
    "voicemail": "call.voicemail",
    "failed": "call.failed",
}
AI_FIELDS = ("transcription", "summary", "ai_score", "ai_category", "qualified_ai")
_PLAIN_FIELDS = (
    *("direction", "status", "caller_number", "caller_name", "tracking_number", "destination_number"),
    *("duration_seconds", "call_flow_name", "recording_url", "source", "utm_source", "utm_medium", "utm_campaign"),
    *("utm_term", "gclid", "landing_page_url"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the webhooks of a call flow go; `retries` are seconds between attempts."""

    call_flow_id: str
    url: str
    headers: Mapping[str, str]
    mode: Mode
    retries: Sequence[float]


def target(world: World, call_flow_id: str | None) -> Target | None:
    """What a call flow's settings say; None when it has no webhook."""
    row = world.state.get("call_flows", call_flow_id) if call_flow_id else None
    if row is None or not row["webhook_url"]:
        return None
    return Target(
        call_flow_id=row["id"],
        url=row["webhook_url"],
        headers=json.loads(row["webhook_headers_json"]),
        mode=row["webhook_mode"],
        retries=json.loads(row["webhook_retries_json"]),
    )


def point(world: World, call_flow_id: str, where: Target) -> None:
    """Keep the settings of a call flow's webhook."""
    world.state.change(
        "call_flows",
        call_flow_id,
        webhook_url=where.url,
        webhook_headers_json=json.dumps(dict(where.headers)),
        webhook_mode=where.mode,
        webhook_retries_json=json.dumps(list(where.retries)),
    )


def body(world: World, call: Row, *, ai: bool) -> dict[str, Any]:
    """The flat object a receiver gets; without `ai`, the fields of transcription and analysis are null."""
    shape = calls.shape(world, call).model_dump()
    written: dict[str, Any] = {"event": EVENTS[call["status"]], "call_id": call["id"]}
    written |= {name: shape[name] for name in _PLAIN_FIELDS}
    written |= {name: shape[name] if ai else None for name in AI_FIELDS}
    extra: dict[str, Any] = json.loads(call["extra_json"] or "{}")
    return written | {"created_at": shape["created_at"]} | extra


class Hooks:
    """Sends and retries in the background; `settled` waits until nothing is under way or planned."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: set[asyncio.Task[Any]] = set()
        self._session: aiohttp.ClientSession | None = None

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this in the background; it counts as under way."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when no attempt is under way or planned; what went wrong inside is raised here."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Give up whatever is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def deliver(self, where: Target, call_id: str, text: str, *, retries: Sequence[float]) -> int | None:
        """One webhook with all its attempts; answers the last HTTP status, None when there was no answer."""
        row = self._world.state.add(
            "deliveries",
            call_id=call_id,
            call_flow_id=where.call_flow_id,
            url=where.url,
            status="pending",
            attempts=0,
            body=text,
            created_at=self._world.clock(),
        )
        waits = [0.0, *retries]
        status = None
        for attempt, wait in enumerate(waits, 1):
            await asyncio.sleep(wait)
            status, error = await self._attempt(where, text)
            self._record(row["id"], attempt, status, error, last=attempt == len(waits))
            if error is None:
                break
        return status

    async def _attempt(self, where: Target, text: str) -> tuple[int | None, str | None]:
        if self._session is None:
            # No limit of connections: a receiver that hangs holds up no other webhook.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        sent = {name: value for name, value in where.headers.items() if name.lower() != "authorization"}
        headers = {"User-Agent": "CallScaler-Sandbox", **sent, "Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=self._world.settings.webhook_timeout)
        try:
            async with self._session.post(
                where.url, data=text.encode(), headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.content.read(65_536)
        except TimeoutError:
            return None, "timeout"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, f"connection failed ({type(error).__name__})"
        if answer.status not in _SUCCESS:
            return answer.status, f"server returned {answer.status}"
        return answer.status, None

    def _record(self, delivery_id: str, attempt: int, status: int | None, error: str | None, *, last: bool) -> None:
        self._world.state.change(
            "deliveries",
            delivery_id,
            attempts=attempt,
            http_status=status,
            last_error=error,
            status="delivered" if error is None else "failed" if last else "pending",
            delivered_at=self._world.clock() if error is None else None,
        )
