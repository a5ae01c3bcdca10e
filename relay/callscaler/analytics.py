"""Counting calls by groupings of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.callscaler.answers import lost
from relay.callscaler.resource import Resource
from relay.callscaler.table import OPERATIONS
from relay.callscaler.thing import Thing, read

if TYPE_CHECKING:
    from collections.abc import Sequence


class Report(Thing):
    """Rows with one field a grouping and one a metric, and the same metrics over everything."""

    rows: tuple[dict[str, Any], ...] = ()
    totals: dict[str, Any] | None = None
    count: int | None = None
    """How many groups there are."""


class Analytics(Resource):
    """`client.analytics`."""

    async def calls(
        self, group_by: str | Sequence[str], metrics: str | Sequence[str] | None = None, **filters: Any
    ) -> Report:
        """Metrics (default `count`) by up to three groupings.

        Whether rows stand in `data` or in `data.data` is not documented; both are read.
        """
        operation = OPERATIONS["analytics calls"]
        body = await self._transport.ask(operation.name, {**filters, "group_by": group_by, "metrics": metrics})
        told = body["data"] if isinstance(body, dict) and isinstance(body.get("data"), dict) else body
        told = told if isinstance(told, dict) else {"data": told}
        rows = next(
            (told[key] for key in ("data", "rows", "results", "groups") if isinstance(told.get(key), list)), None
        )
        if rows is None:
            raise lost(operation, "answered without rows")
        return read(operation, Report, {"rows": rows, "totals": told.get("totals"), "count": told.get("count")})
