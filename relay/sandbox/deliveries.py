"""The log of post-call webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from relay.sandbox import shapes
from relay.sandbox.route import Many, Offset, Page, Query, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask
    from relay.sandbox.state import Row

_COLUMNS = ("id", "call_id", "call_flow_id", "url", "status", "http_status", "attempts", "last_error")


class Filter(Query):
    """As the document says: 50 a page, 100 at most."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    offset: Offset = 0
    status: Literal["delivered", "failed", "pending"] | None = None
    call_flow_id: str | None = None


def shape(row: Row) -> shapes.Delivery:
    """A row as the API writes it."""
    columns: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    return shapes.Delivery(
        **columns, created_at=stamp(row["created_at"]) or "", delivered_at=stamp(row["delivered_at"])
    )


def listing(ask: Ask, query: Filter) -> Page:
    """Newest first."""
    wanted = {"status": query.status, "call_flow_id": query.call_flow_id}
    where = "(:status IS NULL OR status = :status) AND (:call_flow_id IS NULL OR call_flow_id = :call_flow_id)"
    total = ask.state.value(f"SELECT count(*) FROM deliveries WHERE {where}", wanted)  # noqa: S608 - fixed text above
    rows = ask.state.rows(
        f"SELECT * FROM deliveries WHERE {where} ORDER BY seq DESC LIMIT :limit OFFSET :offset",  # noqa: S608 - as above
        {**wanted, "limit": query.limit, "offset": query.offset},
    )
    return Page([shape(row) for row in rows], total)


ROUTES = (
    Route(
        "GET",
        "/webhooks/deliveries",
        Role.VIEWER,
        listing,
        Many("deliveries", shapes.Delivery),
        "Delivery log of post-call webhooks",
        query=Filter,
    ),
)
