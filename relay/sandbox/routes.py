"""Every operation in one table; fixed paths stand before those with an id in the same place."""

from __future__ import annotations

from relay.sandbox import (
    analytics,
    api_keys,
    billing,
    call_flows,
    calls,
    dashboard,
    deliveries,
    forms,
    messages,
    number_groups,
    number_pools,
    numbers,
    voicemails,
)

ROUTES = (
    *numbers.ROUTES,
    *call_flows.ROUTES,
    *number_groups.ROUTES,
    *number_pools.ROUTES,
    *voicemails.ROUTES,
    *messages.ROUTES,
    *forms.ROUTES,
    *dashboard.ROUTES,
    *billing.ROUTES,
    *api_keys.ROUTES,
    *deliveries.ROUTES,
    *calls.ROUTES,
    *analytics.ROUTES,
)
