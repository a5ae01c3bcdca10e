"""Which calls: the filters that the list, the export and the analytics share, as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from relay.sandbox.route import Query
from relay.sandbox.stamps import Day, Moment, midnight, moment

if TYPE_CHECKING:
    from collections.abc import Callable

Score = Annotated[float, Field(ge=0, le=100)]
Whole = Annotated[int, Field(ge=0, le=2**53)]


class CallFilter(Query):
    """Days are days of UTC; start_date is included, end_date is not; updated_since is a moment and not included."""

    start_date: Day | None = None
    end_date: Day | None = None
    updated_since: Moment | None = None
    status: Literal["completed", "no-answer", "voicemail", "busy", "failed"] | None = None
    direction: Literal["inbound", "outbound"] | None = None
    source: str | None = None
    number_id: str | None = None
    call_flow_id: str | None = None
    number_group_id: str | None = None
    min_duration: Whole | None = None
    max_duration: Whole | None = None
    search: str | None = None
    min_ai_score: Score | None = None
    max_ai_score: Score | None = None
    ai_category: str | None = None
    qualified: bool | None = None
    has_transcription: bool | None = None
    keyword: str | None = None
    caller_name: str | None = None

    def where(self) -> tuple[str, list[Any]]:
        """A condition on `calls`, and its values."""
        conditions, values = ["1"], []
        for name, (condition, read) in _CONDITIONS.items():
            wanted = getattr(self, name)
            if wanted is not None:
                conditions.append(f"({condition})")
                values += [read(wanted)] * condition.count("?")
        return " AND ".join(conditions), values


def _same(value: Any) -> Any:
    return value


def _inside(text: str) -> str:
    """A LIKE pattern for text anywhere inside; a plus sign that came as a space is no obstacle."""
    escaped = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


_MEMBERS = "SELECT id FROM numbers WHERE group_id = ? UNION SELECT number_id FROM memberships WHERE group_id = ?"
_LIKE = "LIKE ? ESCAPE '\\'"
_SEARCH = " OR ".join(
    (
        *(f"{column} {_LIKE}" for column in ("caller_number", "tracking_number", "destination_number")),
        f"number_id IN (SELECT id FROM numbers WHERE friendly_name {_LIKE})",  # noqa: S608 - fixed text
    )
)
_CONDITIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "start_date": ("created_at >= ?", midnight),
    "end_date": ("created_at < ?", midnight),
    "updated_since": ("updated_at > ?", moment),
    "status": ("status = ?", _same),
    "direction": ("direction = ?", _same),
    "source": ("source = ?", _same),
    "number_id": ("number_id = ?", _same),
    "call_flow_id": ("call_flow_id = ?", _same),
    "number_group_id": (f"number_id IN ({_MEMBERS})", _same),
    "min_duration": ("duration_seconds >= ?", _same),
    "max_duration": ("duration_seconds <= ?", _same),
    "search": (_SEARCH, _inside),
    "min_ai_score": ("ai_score >= ?", _same),
    "max_ai_score": ("ai_score <= ?", _same),
    "ai_category": ("ai_category = ?", _same),
    "qualified": ("coalesce(qualified_ai, 0) = ?", int),
    "has_transcription": ("(transcription IS NOT NULL) = ?", int),
    "keyword": (f"keywords_json {_LIKE}", _inside),
    "caller_name": (f"caller_name {_LIKE}", _inside),
}
