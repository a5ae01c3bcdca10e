"""Figures over all calls of the business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.callscaler.resource import Resource
from relay.callscaler.thing import Thing

if TYPE_CHECKING:
    import datetime as dt


class DashboardStats(Thing):
    """Counts of calls; in the document's example answered + missed + voicemail make the total."""

    total_calls: int | None = None
    answered_calls: int | None = None
    missed_calls: int | None = None
    voicemail_calls: int | None = None
    qualified_calls: int | None = None
    unique_callers: int | None = None
    total_minutes: int | None = None
    average_duration: int | None = None
    """Seconds."""


class Dashboard(Resource):
    """`client.dashboard`."""

    async def stats(
        self, date_from: dt.date | str | None = None, date_to: dt.date | str | None = None
    ) -> DashboardStats:
        """Figures for the days from `date_from` to `date_to` (YYYY-MM-DD); without them, for all."""
        return await self._one("dashboard stats", DashboardStats, ("stats",), date_from=date_from, date_to=date_to)
