"""The part of the ledger that remembers what people did; nothing is deleted, or changed but for an outcome, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from relay.models import iso

if TYPE_CHECKING:
    from relay.models import Act


def act_json(act: Act) -> dict[str, object]:
    """One act for machines."""
    told = {"who": act.who, "what": act.what, "about": act.about, "config": act.config, "outcome": act.outcome}
    return {"at": iso(act.at), **told}


class Audit(Protocol):
    """The audit log."""

    async def note_act(self, act: Act) -> int:
        """Write down what somebody is about to do; answers its `seq`."""

    async def tell_outcome(self, seq: int, outcome: str) -> None:
        """Write down what came of an act; what was told of it already stands."""

    async def acts(self, *, limit: int, before: int | None = None) -> list[Act]:
        """What people did, newest first; `before` is the `seq` of the last one seen."""
