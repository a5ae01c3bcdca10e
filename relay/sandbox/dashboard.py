"""Aggregate figures, in the arithmetic of the vendor's example.

There, answered + missed + voicemail is the total, so calls that were busy or failed count as missed; 1240 minutes
over 342 calls are 217 seconds each, so both are cut to whole numbers, never rounded up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.sandbox import shapes
from relay.sandbox.refused import wrong
from relay.sandbox.route import Bare, Query, Role, Route
from relay.sandbox.stamps import DAY, Day, midnight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.sandbox.route import Ask
    from relay.sandbox.state import State


class Days(Query):
    """Whole days of UTC, both ends included."""

    date_from: Day | None = None
    date_to: Day | None = None


def figures(state: State, condition: str, values: Sequence[Any]) -> shapes.Stats:
    """The figures over the calls that meet a condition of our own writing."""
    row = state.rows(
        f"""SELECT count(*) AS total,
                   coalesce(sum(status = 'completed'), 0) AS answered,
                   coalesce(sum(status = 'voicemail'), 0) AS voicemail,
                   coalesce(sum(qualified_ai = 1), 0) AS qualified,
                   count(DISTINCT CASE direction WHEN 'outbound' THEN destination_number ELSE caller_number END)
                       AS people,
                   coalesce(sum(duration_seconds), 0) AS seconds
            FROM calls WHERE {condition}""",  # noqa: S608 - the condition is written by this package
        values,
    )[0]
    total = row["total"]
    return shapes.Stats(
        total_calls=total,
        answered_calls=row["answered"],
        missed_calls=total - row["answered"] - row["voicemail"],
        voicemail_calls=row["voicemail"],
        qualified_calls=row["qualified"],
        unique_callers=row["people"],
        total_minutes=row["seconds"] // 60,
        average_duration=row["seconds"] // total if total else 0,
    )


def stats(ask: Ask, query: Days) -> shapes.Stats:
    """GET /dashboard/stats."""
    if query.date_from and query.date_to and query.date_to < query.date_from:
        raise wrong("date_to lies before date_from")
    conditions, values = ["1"], []
    if query.date_from:
        conditions.append("created_at >= ?")
        values.append(midnight(query.date_from))
    if query.date_to:
        conditions.append("created_at < ?")
        values.append(midnight(query.date_to) + DAY)
    return figures(ask.state, " AND ".join(conditions), values)


ROUTES = (
    Route("GET", "/dashboard/stats", Role.VIEWER, stats, Bare(shapes.Stats), "Aggregate call statistics", query=Days),
)
