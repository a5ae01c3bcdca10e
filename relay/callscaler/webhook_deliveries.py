"""The log of post-call webhooks: what was delivered, what failed, what is pending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.callscaler.resource import Resource
from relay.callscaler.thing import Thing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MOST_A_PAGE = 100


class WebhookDelivery(Thing):
    """One webhook and what became of it."""

    id: str
    call_id: str | None = None
    call_flow_id: str | None = None
    url: str | None = None
    status: str | None = None
    """delivered, failed, pending."""
    http_status: int | None = None
    """None before any answer."""
    attempts: int | None = None
    last_error: str | None = None
    created_at: str | None = None
    delivered_at: str | None = None


class WebhookDeliveries(Resource):
    """`client.webhook_deliveries`."""

    def list(
        self,
        status: str | None = None,
        call_flow_id: str | None = None,
        *,
        limit: int = MOST_A_PAGE,
        offset: int | None = None,
    ) -> AsyncIterator[WebhookDelivery]:
        """All deliveries that match; `limit` is rows a page, 100 at most."""
        return self._rows(
            "webhook-deliveries list",
            WebhookDelivery,
            ("deliveries", "webhook_deliveries"),
            status=status,
            call_flow_id=call_flow_id,
            limit=min(limit, MOST_A_PAGE),
            offset=offset,
        )
