"""Every connector under the word that `type:` in relay.yaml names it by. A new connector is a file and a line here.

A package from outside offers more, as entry points of the group `relay.connectors`; a shipped word stays ours.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pydantic import model_validator

from connectors.archive import Archive
from connectors.callscaler import CallScalerConnector
from connectors.crm import Crm
from connectors.google_sheets import GoogleSheets
from connectors.mail import Mail
from connectors.notify import Notify
from connectors.slack import Slack
from connectors.webhook import Webhook
from relay.connector import Connector, Form

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from relay.connector import Job, Receipt

GROUP = "relay.connectors"

_SHIPPED: dict[str, type[Connector[Any, Any]]] = {
    "archive": Archive,
    "callscaler": CallScalerConnector,
    "crm": Crm,
    "email": Mail,
    "google_sheets": GoogleSheets,
    "notify": Notify,
    "slack": Slack,
    "webhook": Webhook,
}


def _loaded(point: EntryPoint) -> type[Connector[Any, Any]]:
    """The class behind an entry point, or one that tells, where a file uses it, why there is none."""
    try:
        found = point.load()
    except Exception as error:  # noqa: BLE001 - whatever a stranger's package raises must not stop the others
        return _broken(f"{point.value} cannot be loaded ({type(error).__name__}: {error})")
    if not (isinstance(found, type) and issubclass(found, Connector)):
        return _broken(f"{point.value} is no relay.connector.Connector")
    return found


def _broken(why: str) -> type[Connector[Any, Any]]:
    class Options(Form):
        @model_validator(mode="before")
        @classmethod
        def _refuse(cls, written: Any) -> Any:  # noqa: ARG003 - nothing written here can help
            raise ValueError(why)

    class Broken(Connector[Options, Form]):
        Action = Form

        async def send(self, job: Job[Form]) -> Receipt:
            raise NotImplementedError

    Broken.Options = Options
    return Broken


CONNECTORS: dict[str, type[Connector[Any, Any]]] = {
    **{point.name: _loaded(point) for point in entry_points(group=GROUP)},
    **_SHIPPED,
}
"""Shipped ones, and those of packages from outside."""
