"""The lanes of connectors that keep order, as the planner tells them, in whichever process it is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.connector import Connector
from relay.http import Http

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.network import Network
    from relay.settings import Configured, Settings


def lanes(settings: Settings, http: Http) -> dict[str, Callable[[Mapping[str, Any]], str | None]]:
    """How the lane of a rendered action is found, by the names of the connectors that keep any order."""
    return {name: Lane(item, http) for name, item in settings.connectors.items() if item.cls.lane is not Connector.lane}


def decisions_of(settings: Settings) -> list[Any]:
    """What of these settings the ledger's own process judges by that may come from outside of the relay."""
    return [settings.rules, lanes(settings, Http(settings.network))]


class Lane:
    """Tells the lane of a rendered action of a connector that keeps order."""

    def __init__(self, item: Configured, http: Http) -> None:
        self._item, self._http = item, http
        self._connector = item.cls(item.options, http)

    def __call__(self, action: Mapping[str, Any]) -> str | None:
        """None where it has none."""
        try:
            return self._connector.lane(self._item.cls.Action.model_validate(dict(action)))
        except ValueError:
            return None  # it cannot be sent either, and says so when it is tried

    def __reduce__(self) -> tuple[Any, ...]:
        """Carried to another process as what it is made of; a lane is told without any request."""
        return _lane, (self._item, self._http.network)


def _lane(item: Configured, network: Network) -> Lane:
    return Lane(item, Http(network))
