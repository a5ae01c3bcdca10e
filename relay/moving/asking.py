"""Asks people before numbers move: through the connector that was named, with a link, and as an alert in any case."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from relay.connector import Job
from relay.errors import DeliveryFailed
from relay.models import iso
from relay.rules import question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.connector import Connector
    from relay.models import Change, NumberRun
    from relay.store import Store

log = structlog.get_logger(__name__)

_NAMED = 10
"""Moves that a question names; the rest is counted."""


class Asker:
    """Puts a run's question to people, once."""

    def __init__(
        self,
        store: Store,
        connector: Callable[[str], Connector[Any, Any] | None],
        alerts_to: Callable[[], str | None],
        admin_url: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._connector = connector
        self._alerts_to = alerts_to
        self._admin_url = admin_url
        self._clock = clock

    async def ask(self, run: NumberRun) -> None:
        """Ask, and note that it was asked; where the connector does not take it, it is asked again later."""
        now = self._clock()
        await self._store.open_alert(
            f"numbers:{run.id}",
            f"numbers wait for an answer: {run.why}",
            f"`relay numbers approve {run.id}` or `relay numbers reject {run.id}`, until {iso(run.until)}",
            now=now,
        )
        if await self._tell(run):
            await self._store.move_run(replace(run, told_at=now), ("asking",), now=now)

    async def _tell(self, run: NumberRun) -> bool:
        name = run.ask or self._alerts_to()
        connector = None if name is None else self._connector(name)
        if connector is None:
            return True  # there is nobody to tell; the alert and the dashboard say it
        text = words(run, await self._store.changes(run.id))
        said = question(connector.Action, text, self._link(run))
        if said is None:
            return True
        try:
            action = connector.Action.model_validate(said)
            await connector.send(Job(key=f"ask-{run.id}", action=action, event={}, now=self._clock()))
        except (DeliveryFailed, ValueError) as failure:
            log.warning("a question about numbers could not be asked", run=run.id, connector=name, why=str(failure))
            return False
        return True

    def _link(self, run: NumberRun) -> str | None:
        url = self._admin_url()
        return f"{url.rstrip('/')}/numbers#run-{run.id}" if url else None


def words(run: NumberRun, changes: Sequence[Change]) -> str:
    """The question as people read it."""
    lines = [f"Numbers wait for your word ({run.id}): {run.why}."]
    lines += [
        f"- {change.number}: {change.source or 'no group'} to {change.to} ({change.because})"
        for change in changes[:_NAMED]
    ]
    if len(changes) > _NAMED:
        lines.append(f"- and {len(changes) - _NAMED} more")
    lines.append(f"Until {iso(run.until)}: relay numbers approve {run.id}, or relay numbers reject {run.id}")
    return "\n".join(lines)
