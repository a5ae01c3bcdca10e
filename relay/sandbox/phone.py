"""The phone simulator: makes calls of every kind, lets the analysis arrive later, and takes texts from outside."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from relay.sandbox import hooks, messages
from relay.sandbox.hooks import AI_FIELDS, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.sandbox.hooks import Hooks
    from relay.sandbox.route import World
    from relay.sandbox.state import Row

RING_TO: Final = "+13125550167"
"""Where call flows forward to."""
STATUSES = {
    "answered": "completed",
    "completed": "completed",
    "missed": "no-answer",
    "no-answer": "no-answer",
    "busy": "busy",
    "voicemail": "voicemail",
    "failed": "failed",
}
_DURATIONS = {"completed": (30, 300), "voicemail": (10, 60)}
_CENTS_A_MINUTE = 5
_LATE_FIELDS = {*AI_FIELDS, "qualification_reason", "keywords_spotted", "robo_score", "value_cents", "caller_name"}
_SPAM = {
    "transcription": "This is an automated message about your business listing.",
    "summary": "Automated sales message.",
    "ai_score": 3,
    "ai_category": "spam",
    "qualified_ai": False,
}


_CAMPAIGNS = {
    "Google Ads": {
        "source": "google",
        "utm_source": "google",
        "utm_medium": "cpc",
        "utm_campaign": "emergency-plumbing",
        "landing_page_url": "https://www.example.com/plumbing?utm_source=google",
    },
    "Facebook": {
        "source": "facebook",
        "utm_source": "facebook",
        "utm_medium": "paid_social",
        "utm_campaign": "summer-tuneup",
        "landing_page_url": "https://www.example.com/tune-up?utm_source=facebook",
    },
}


class Phone:
    """Outside people, as the business's phone system sees them. Webhooks leave in the background; see `settled`."""

    def __init__(self, world: World, sender: Hooks) -> None:
        self._world = world
        self._hooks = sender
        self._analysed: dict[str, asyncio.Event] = {}

    async def ring(
        self,
        outcome: str,
        *,
        caller: str | None,
        number: str | None = None,
        name: str | None = None,
        duration: int | None = None,
        spam: bool = False,
        direction: str = "inbound",
        at: float | None = None,
        ai: Mapping[str, Any] | None = None,
        webhook: bool = True,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """One call; answers its id once it is stored and its webhook is on its way.

        `outcome` is answered, completed, missed, no-answer, busy, voicemail or failed. `caller` is the outside person
        in E.164, None when withheld; on an outbound call, who is called. `at` is Unix seconds, now by default. `ai`
        holds transcription, summary, ai_score, ai_category, qualified_ai as far as known at once; in immediate mode
        the webhook leaves them null all the same. `extra` is put into the webhook's body as it stands.

        Raises:
            ValueError: no such outcome, number or AI field.
        """
        call = self.remember(
            outcome,
            caller=caller,
            number=number,
            name=name,
            duration=duration,
            spam=spam,
            direction=direction,
            at=at,
            ai=ai,
            extra=extra,
            updated_at=self._world.clock(),
        )
        where = hooks.target(self._world, call["call_flow_id"]) if webhook else None
        if where is not None:
            self._fire(where, call, analysed=call["ai_category"] is not None or bool(ai))
        return str(call["id"])

    async def enrich(self, call_id: str, *, webhook: bool = False, **fields: Any) -> None:
        """Fields that arrive later: the call counts as updated, a webhook that waits for them leaves.

        Raises:
            ValueError: there is no such call or field.
        """
        if not fields:
            raise ValueError("name at least one field that arrived")
        self._call(call_id)
        call = self._world.state.change("calls", call_id, updated_at=self._world.clock(), **_columns(fields))
        waiting = self._analysed.get(call_id)
        if waiting is not None:
            waiting.set()
        where = hooks.target(self._world, call["call_flow_id"]) if webhook else None
        if where is not None:
            text = json.dumps(hooks.body(self._world, call, ai=True), ensure_ascii=False)
            self._hooks.start(self._hooks.deliver(where, call_id, text, retries=where.retries))

    async def repeat(self, call_id: str) -> int:
        """Fire the last webhook of a call again, byte for byte and once; answers the HTTP status, 0 for none.

        Raises:
            ValueError: there is no such call, or its call flow has no webhook.
        """
        call = self._call(call_id)
        where = hooks.target(self._world, call["call_flow_id"])
        if where is None:
            raise ValueError("the call flow of this call has no webhook")
        text = self._world.state.value(
            "SELECT body FROM deliveries WHERE call_id = ? ORDER BY seq DESC LIMIT 1", (call_id,)
        ) or json.dumps(hooks.body(self._world, call, ai=where.mode == "wait_for_ai"), ensure_ascii=False)
        return await self._hooks.deliver(where, call_id, text, retries=()) or 0

    async def receive_text(self, sender: str, to: str, body: str) -> str:
        """A text from outside to one of the business's numbers; answers its id.

        Raises:
            ValueError: the business has no such number.
        """
        line = self._line(to)
        row = messages.keep(
            self._world, direction="inbound", number_id=line["id"], sender=sender, recipient=to, body=body
        )
        return str(row["id"])

    async def settled(self) -> None:
        """Return when no webhook attempt is under way or planned."""
        await self._hooks.settled()

    def remember(
        self,
        outcome: str,
        *,
        caller: str | None,
        number: str | None = None,
        name: str | None = None,
        duration: int | None = None,
        spam: bool = False,
        direction: str = "inbound",
        at: float | None = None,
        ai: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        updated_at: float | None = None,
    ) -> Row:
        """Write one call down as `ring` does, with no webhook; it counts as updated when it began unless told.

        Raises:
            ValueError: as `ring`.
        """
        if outcome not in STATUSES:
            raise ValueError(f"{outcome!r} is no outcome; use one of {', '.join(STATUSES)}")
        if direction not in {"inbound", "outbound"}:
            raise ValueError(f"{direction!r} is no direction")
        status, inbound, line = STATUSES[outcome], direction == "inbound", self._line(number)
        began = self._world.clock() if at is None else at
        seconds = self._length(status) if duration is None else duration
        analysis = {**(_SPAM if spam and status == "completed" else {}), **(ai or {})}
        with self._world.state.transaction():
            call = self._world.state.add(
                "calls",
                direction=direction,
                status=status,
                caller_number=caller if inbound else line["phone_number"],
                caller_name="TOLL FREE CALL" if spam and name is None else name,
                number_id=line["id"],
                tracking_number=line["phone_number"],
                destination_number=(None if status == "voicemail" else RING_TO) if inbound else caller,
                call_flow_id=line["call_flow_id"],
                call_flow_name=line["call_flow_name"] if inbound else None,
                duration_seconds=seconds,
                recording_duration=seconds if status in _DURATIONS else None,
                cost_cents=-(-seconds // 60) * _CENTS_A_MINUTE,
                extra_json=json.dumps(dict(extra)) if extra else None,
                created_at=began,
                updated_at=began if updated_at is None else updated_at,
                **_attribution(line, inbound=inbound),
                **({"robo_score": 95} if spam else {}) | _columns(analysis),
            )
            if status == "voicemail":
                self._world.state.add("voicemails", call_id=call["id"], is_read=0, created_at=began)
        return call

    def _length(self, status: str) -> int:
        return self._world.dice.randint(*_DURATIONS[status]) if status in _DURATIONS else 0

    def _line(self, number: str | None) -> Row:
        row = self._world.state.row(
            """SELECT numbers.*, call_flows.name AS call_flow_name FROM numbers
               LEFT JOIN call_flows ON call_flows.id = numbers.call_flow_id
               WHERE :number IS NULL OR phone_number = :number ORDER BY numbers.seq LIMIT 1""",
            {"number": number},
        )
        if row is None:
            raise ValueError(f"the business has no number {number or 'at all'}")
        return row

    def _call(self, call_id: str) -> Row:
        call = self._world.state.get("calls", call_id)
        if call is None:
            raise ValueError(f"there is no call {call_id}")
        return call

    def _fire(self, where: Target, call: Row, *, analysed: bool) -> None:
        if where.mode == "immediate" or analysed:
            self._hooks.start(self._deliver(where, call, ai=where.mode == "wait_for_ai"))
            return
        self._analysed[call["id"]] = asyncio.Event()
        self._hooks.start(self._wait(where, call["id"]))

    async def _deliver(self, where: Target, call: Row, *, ai: bool) -> None:
        text = json.dumps(hooks.body(self._world, call, ai=ai), ensure_ascii=False)
        await self._hooks.deliver(where, call["id"], text, retries=where.retries)

    async def _wait(self, where: Target, call_id: str) -> None:
        """Fire once the analysis is there, or with whatever exists when it takes too long."""
        try:
            await asyncio.wait_for(self._analysed[call_id].wait(), self._world.settings.ai_fallback)
        except TimeoutError:
            pass
        finally:
            del self._analysed[call_id]
        await self._deliver(where, self._call(call_id), ai=True)


def _attribution(line: Row, *, inbound: bool) -> dict[str, str]:
    if not inbound:
        return {}
    return {"source": "direct"} | _CAMPAIGNS.get(line["friendly_name"], {})


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - _LATE_FIELDS
    if unknown:
        raise ValueError(f"no field that arrives later: {', '.join(sorted(unknown))}")
    columns = dict(fields)
    if "keywords_spotted" in columns:
        columns["keywords_json"] = json.dumps(columns.pop("keywords_spotted"))
    return columns
