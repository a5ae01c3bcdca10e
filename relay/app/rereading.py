"""Reads a changed configuration: good as a whole, or not used at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import ConfigError, StoreBusy
from relay.settings import read_settings
from relay.shown import Reload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from relay.alerts import Alerts
    from relay.app.knowledge import Knowledge
    from relay.connector import Connector
    from relay.errors import Mistake
    from relay.metrics import Metrics
    from relay.settings import Settings

log = structlog.get_logger(__name__)


class Rereading:
    """Says of every reading how it went: in the log, in the figures, in an alert."""

    def __init__(
        self,
        connectors: Mapping[str, type[Connector[Any, Any]]],
        knowledge: Knowledge,
        metrics: Metrics,
        alerts: Alerts,
        clock: Callable[[], float],
    ) -> None:
        """`connectors` are the classes by type."""
        self.last: Reload | None = None
        """How the configuration was last read; None before the relay has started."""
        self._connectors = connectors
        self._knowledge = knowledge
        self._metrics = metrics
        self._alerts = alerts
        self._clock = clock

    async def read(
        self,
        path: Path,
        environment: Mapping[str, str],
        rehearse: Callable[[Settings], Awaitable[list[Mistake]]] | None,
    ) -> Settings | None:
        """Read a file whose rules the ledger then remembers; None when it cannot be used."""
        try:
            settings = read_settings(path, self._connectors, environment)
            mistakes = [] if rehearse is None else await rehearse(settings)
        except ConfigError as error:
            mistakes = error.mistakes
        for mistake in mistakes:
            log.error("the changed configuration is not used", mistake=str(mistake))
        if mistakes:
            self.note(mistakes)
            return None
        if (unfit := self._knowledge.unfit(settings)) is not None:
            log.error("the changed configuration is not used", why=unfit, remedy="restart the relay")
            self.note([f"it can only be used by a relay that is started with it: {unfit}"])
            return None
        try:
            await self._knowledge.remember(settings)
            await self._knowledge.modes.learn(settings)
        except (StoreBusy, OSError) as error:
            log.error("the changed configuration is not used", why=str(error))
            self.note([error])
            return None
        for warning in (*settings.warnings, *self._knowledge.modes.not_held(settings)):
            log.warning("worth a look", warning=str(warning))
        return settings

    def note(self, mistakes: Sequence[object]) -> None:
        """Keep how the configuration was read at this moment."""
        self._metrics.reloaded(good=not mistakes)
        self._alerts.reload = str(mistakes[0]) if mistakes else None
        self.last = Reload(self._clock(), tuple(str(mistake) for mistake in mistakes))
