"""Every connector under the word that `type:` in relay.yaml names it by. A new connector is a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.archive import Archive
from connectors.callscaler import CallScalerConnector
from connectors.crm import Crm
from connectors.google_sheets import GoogleSheets
from connectors.mail import Mail
from connectors.slack import Slack
from connectors.webhook import Webhook

if TYPE_CHECKING:
    from relay.connector import Connector

CONNECTORS: dict[str, type[Connector[Any, Any]]] = {
    "archive": Archive,
    "callscaler": CallScalerConnector,
    "crm": Crm,
    "email": Mail,
    "google_sheets": GoogleSheets,
    "slack": Slack,
    "webhook": Webhook,
}
