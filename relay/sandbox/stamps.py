"""Times as the vendor writes them: whole seconds of UTC with a Z, and plain days."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

DAY = 86_400


def _looking_like(pattern: str, example: str) -> BeforeValidator:
    """Bare numbers are no times here, though pydantic would take them for Unix seconds."""

    def check(text: Any) -> Any:
        if not re.match(pattern, str(text)):
            raise ValueError(f"write it like {example}")
        return text

    return BeforeValidator(check)


Day = Annotated[dt.date, _looking_like(r"\d{4}-\d\d-\d\d$", "2026-03-01")]
Moment = Annotated[dt.datetime, _looking_like(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", "2026-03-01T08:00:00Z")]


def stamp(at: float | None) -> str | None:
    """Unix seconds as 2026-01-15T08:00:00Z; None stays None."""
    if at is None:
        return None
    return dt.datetime.fromtimestamp(int(at), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def midnight(day: dt.date) -> float:
    """Unix seconds of the first moment of a day of UTC."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()


def moment(when: dt.datetime) -> float:
    """Unix seconds of a moment; one without a timezone is read as UTC."""
    return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()
