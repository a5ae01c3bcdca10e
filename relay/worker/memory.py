"""What a connector remembers from one delivery to the next, under a key of its own choosing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relay.connector import Connector, Job, Receipt
from relay.store.memories import Memory
from relay.worker.move import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.store import Store
    from relay.worker.channel import Channel
    from relay.worker.move import Outcome


async def with_known(store: Store, channel: Channel, jobs: Mapping[str, Job[Any]]) -> Mapping[str, Job[Any]]:
    """The jobs with what is remembered for each; only a connector that remembers costs a look at the ledger."""
    connector = channel.connector
    if type(connector).key is Connector.key:
        return jobs
    keys = {name: connector.key(job.action) for name, job in jobs.items()}
    known = await store.memories(channel.name, {key for key in keys.values() if key is not None})
    return {name: replace(job, known=known.get(keys[name] or "", {})) for name, job in jobs.items()}


def memory(channel: Channel, job: Job[Any] | None, outcome: Outcome, now: float) -> Memory | None:
    """What to remember of a delivery that arrived, None for nothing."""
    if job is None or not isinstance(outcome, Receipt) or outcome.remember is None:
        return None
    key = channel.connector.key(job.action)
    return None if key is None else Memory(channel.name, key, plain(dict(outcome.remember)), now)
