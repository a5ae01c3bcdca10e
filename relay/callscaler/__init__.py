"""The CallScaler REST API from Python: `CallScaler(http, api_key=…)`, with one attribute a resource.

Names are looked up on first use, so that reading the table of operations (for help on the command line) loads neither
pydantic nor aiohttp.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.callscaler.analytics import Report
    from relay.callscaler.api_keys import ApiKey
    from relay.callscaler.billing import Balance, Transaction
    from relay.callscaler.call_flows import CallFlow, CallFlowVersion
    from relay.callscaler.calls import Call
    from relay.callscaler.client import CallScaler
    from relay.callscaler.dashboard import DashboardStats
    from relay.callscaler.forms import FormSubmission
    from relay.callscaler.messages import Conversation, Text
    from relay.callscaler.number_groups import NumberGroup
    from relay.callscaler.number_pools import NumberPool
    from relay.callscaler.numbers import AvailableNumber, Number
    from relay.callscaler.voicemails import Voicemail
    from relay.callscaler.webhook_deliveries import WebhookDelivery

__all__ = [
    "ApiKey",
    "AvailableNumber",
    "Balance",
    "Call",
    "CallFlow",
    "CallFlowVersion",
    "CallScaler",
    "Conversation",
    "DashboardStats",
    "FormSubmission",
    "Number",
    "NumberGroup",
    "NumberPool",
    "Report",
    "Text",
    "Transaction",
    "Voicemail",
    "WebhookDelivery",
]

_HOME = {
    "ApiKey": "api_keys",
    "AvailableNumber": "numbers",
    "Balance": "billing",
    "Call": "calls",
    "CallFlow": "call_flows",
    "CallFlowVersion": "call_flows",
    "CallScaler": "client",
    "Conversation": "messages",
    "DashboardStats": "dashboard",
    "FormSubmission": "forms",
    "Number": "numbers",
    "NumberGroup": "number_groups",
    "NumberPool": "number_pools",
    "Report": "analytics",
    "Text": "messages",
    "Transaction": "billing",
    "Voicemail": "voicemails",
    "WebhookDelivery": "webhook_deliveries",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
