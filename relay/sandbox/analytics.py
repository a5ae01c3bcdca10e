"""Calls counted by whatever one wants to know; not in resources-api.txt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from relay.sandbox import shapes
from relay.sandbox.call_filter import CallFilter
from relay.sandbox.refused import wrong
from relay.sandbox.route import Bare, Role, Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.sandbox.route import Ask

_WHEN = "'unixepoch'"
GROUPS = {
    **{name: name for name in ("source", "utm_source", "utm_medium", "utm_campaign", "utm_term", "call_flow_id")},
    **{name: name for name in ("tracking_number", "number_id", "ai_category", "status", "direction")},
    "call_flow": "call_flow_name",
    "date": f"date(created_at, {_WHEN})",
    # The Monday a week begins with.
    "week": f"date(created_at, {_WHEN}, 'weekday 0', '-6 days')",
    "month": f"strftime('%Y-%m', created_at, {_WHEN})",
    "hour_of_day": f"CAST(strftime('%H', created_at, {_WHEN}) AS INTEGER)",
    "day_of_week": f"CAST(strftime('%w', created_at, {_WHEN}) AS INTEGER)",
}
METRICS = {
    "count": "count(*)",
    "answered_count": "coalesce(sum(status = 'completed'), 0)",
    "missed_count": "coalesce(sum(status NOT IN ('completed', 'voicemail')), 0)",
    "voicemail_count": "coalesce(sum(status = 'voicemail'), 0)",
    "qualified_count": "coalesce(sum(qualified_ai = 1), 0)",
    "qualified_pct": "round(100.0 * coalesce(sum(qualified_ai = 1), 0) / max(count(*), 1), 1)",
    "avg_duration": "round(coalesce(avg(duration_seconds), 0), 1)",
    "avg_ai_score": "round(avg(ai_score), 1)",
    "unique_callers": "count(DISTINCT CASE direction WHEN 'outbound' THEN destination_number ELSE caller_number END)",
    "total_value_cents": "coalesce(sum(value_cents), 0)",
}
_MOST_GROUPS = 3


class Question(CallFilter):
    """GET /analytics/calls; group_by is required, names are separated by commas."""

    group_by: Annotated[str, Field(min_length=1)]
    metrics: str = "count"
    sort_by: str | None = None
    sort_order: Literal["asc", "desc"] = "desc"


def _names(text: str, known: Mapping[str, str], what: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise wrong(f"{what}: unknown value; use some of {', '.join(known)}")
    return list(dict.fromkeys(names))


def _select(names: list[str], table: Mapping[str, str]) -> str:
    return ", ".join(f'{table[name]} AS "{name}"' for name in names)


def calls(ask: Ask, query: Question) -> shapes.Analysis:
    """One row a group, the same metrics over everything, and how many groups there are."""
    groups = _names(query.group_by, GROUPS, "group_by")
    metrics = _names(query.metrics, METRICS, "metrics") or ["count"]
    if not 1 <= len(groups) <= _MOST_GROUPS:
        raise wrong(f"group_by takes one to {_MOST_GROUPS} values")
    if query.sort_by is not None and query.sort_by not in (*groups, *metrics):
        raise wrong("sort_by must be one of the values of group_by or metrics")
    where, values = query.where()
    # By place, not by name: a group may be named as a column that it is not.
    places = ", ".join(str(place) for place in range(1, len(groups) + 1))
    order = f'"{query.sort_by}" {query.sort_order}, {places}' if query.sort_by else places
    rows: list[dict[str, Any]] = ask.state.rows(
        f"SELECT {_select(groups, GROUPS)}, {_select(metrics, METRICS)} FROM calls WHERE {where} "  # noqa: S608 - names from the tables above
        f"GROUP BY {places} ORDER BY {order}",
        values,
    )
    totals = ask.state.rows(f"SELECT {_select(metrics, METRICS)} FROM calls WHERE {where}", values)[0]  # noqa: S608 - as above
    return shapes.Analysis(data=rows, totals=totals, count=len(rows))


ROUTES = (
    Route(
        "GET",
        "/analytics/calls",
        Role.VIEWER,
        calls,
        Bare(shapes.Analysis),
        "Calls counted by groups",
        query=Question,
        listed=False,
    ),
)
