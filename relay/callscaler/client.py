"""The client: one attribute a resource, one transport under them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from relay.callscaler.analytics import Analytics
from relay.callscaler.api_keys import ApiKeys
from relay.callscaler.billing import Billing
from relay.callscaler.call_flows import CallFlows
from relay.callscaler.calls import Calls
from relay.callscaler.dashboard import Dashboard
from relay.callscaler.forms import Forms
from relay.callscaler.messages import Messages
from relay.callscaler.number_groups import NumberGroups
from relay.callscaler.number_pools import NumberPools
from relay.callscaler.numbers import Numbers
from relay.callscaler.transport import Transport
from relay.callscaler.voicemails import Voicemails
from relay.callscaler.webhook_deliveries import WebhookDeliveries
from relay.ticks import elapsed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import SecretStr

    from relay.http import Http

BASE_URL = "https://callscaler.com/api/v1"


class CallScaler:
    """The CallScaler API for one business, which is the one that the key belongs to.

    What costs money, hands out power or cannot be undone (rows marked FINAL in `relay.callscaler.table`) raises
    Forbidden, with nothing sent, unless `everything` is True. `timeout` is seconds for one whole exchange; `sleep`
    waits between tries of a GET. A key that was refused is shown again only after five minutes by `clock`, seconds
    since some moment; until then Unavailable is raised with nothing sent. The `http` is the caller's, and the caller
    closes it.
    """

    def __init__(
        self,
        http: Http,
        *,
        api_key: str | SecretStr,
        base_url: str = BASE_URL,
        everything: bool = False,
        timeout: float = 15.0,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        clock: Callable[[], float] = elapsed,
    ) -> None:
        transport = Transport(
            http, api_key=api_key, base_url=base_url, everything=everything, timeout=timeout, sleep=sleep, clock=clock
        )
        self.numbers = Numbers(transport)
        self.call_flows = CallFlows(transport)
        self.number_groups = NumberGroups(transport)
        self.number_pools = NumberPools(transport)
        self.voicemails = Voicemails(transport)
        self.messages = Messages(transport)
        self.forms = Forms(transport)
        self.dashboard = Dashboard(transport)
        self.billing = Billing(transport)
        self.api_keys = ApiKeys(transport)
        self.webhook_deliveries = WebhookDeliveries(transport)
        self.calls = Calls(transport)
        self.analytics = Analytics(transport)
