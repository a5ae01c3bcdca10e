"""Form submissions that the tracking script captured on the business's website."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.sandbox import shapes
from relay.sandbox.refused import absent
from relay.sandbox.route import Many, One, Page, Paging, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask
    from relay.sandbox.state import Row


def _shape(row: Row) -> shapes.Form:
    columns: dict[str, Any] = {name: row[name] for name in shapes.Form.model_fields if name != "created_at"}
    return shapes.Form(**columns, created_at=stamp(row["created_at"]) or "")


def listing(ask: Ask, query: Paging) -> Page:
    """All submissions, newest first."""
    rows = ask.state.rows("SELECT * FROM forms ORDER BY created_at DESC, seq DESC")
    return Page([_shape(row) for row in query.cut(rows)], len(rows))


def one(ask: Ask, form_id: str) -> shapes.Form:
    """One submission."""
    row = ask.state.get("forms", form_id)
    if row is None:
        raise absent("form submission")
    return _shape(row)


ROUTES = (
    Route("GET", "/forms", Role.VIEWER, listing, Many("forms", shapes.Form), "List form submissions", query=Paging),
    Route("GET", "/forms/{form_id}", Role.VIEWER, one, One("form", shapes.Form), "Get submission details"),
)
