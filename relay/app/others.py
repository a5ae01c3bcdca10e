"""What a relay learns at every beat from the ledger that it shares: what others did, and whether all run the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from relay.store.nodes import Node

log = structlog.get_logger(__name__)

EVERY = 12
"""Beats after which rules are learnt anew, whatever the others say they run."""


class Others:
    """Looks at who lives, and has learnt what they may have changed."""

    def __init__(
        self,
        config: Callable[[], str],
        learn: Iterable[Callable[[], Awaitable[None]]],
        learn_rules: Iterable[Callable[[], Awaitable[None]]],
    ) -> None:
        """`learn` runs at every beat where others live, `learn_rules` when somebody's configuration is a new one."""
        self._config = config
        self._learn = tuple(learn)
        self._learn_rules = tuple(learn_rules)
        self._seen: frozenset[str] = frozenset()
        self._beats = 0
        self._mismatch: frozenset[str] = frozenset()

    @property
    def agree(self) -> bool:
        """Whether every relay that was seen at the last beat runs the configuration that this one runs."""
        return self._seen <= {self._config()}

    async def beaten(self, nodes: Sequence[Node]) -> None:
        """Hear who else lives.

        Raises:
            StoreBusy: the ledger refused; the next beat tries again.
        """
        seen = frozenset(node.config for node in nodes)
        if not nodes and not self._seen:
            return
        for learn in self._learn:
            await learn()
        self._beats += 1
        if seen != self._seen or self._beats % EVERY == 0:
            for learn in self._learn_rules:
                await learn()
        self._seen = seen
        strange = seen - {self._config()}
        if strange != self._mismatch:
            self._mismatch = strange
            if strange:
                log.warning("other relays run another configuration", ours=self._config(), theirs=sorted(strange))
            else:
                log.info("all relays run the same configuration", config=self._config())
