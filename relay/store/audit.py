"""The part of the ledger that remembers what people did; nothing in it is ever changed or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.models import Act


class Audit(Protocol):
    """The audit log."""

    async def note_act(self, act: Act) -> None:
        """Write down what somebody is about to do."""

    async def acts(self, *, limit: int, before: int | None = None) -> list[Act]:
        """What people did, newest first; `before` is the `seq` of the last one seen."""
