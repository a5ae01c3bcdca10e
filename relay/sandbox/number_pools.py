"""Number pools for dynamic number insertion; field names follow the labels of the vendor's set-up page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints

from relay.models import Form
from relay.sandbox import numbers, shapes
from relay.sandbox.numbers import Name
from relay.sandbox.refused import absent
from relay.sandbox.route import Bare, Many, One, Page, Paging, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask
    from relay.sandbox.state import Row, State

SESSION_SECONDS = 1_800
Seconds = Annotated[int, Field(ge=60, le=86_400)]
Site = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{1,500}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
_COLUMNS = ("id", "name", "website_url", "swap_number", "call_flow_id", "session_length", "backup_number")


class NewPool(Form):
    """POST /number-pools; session_length in seconds."""

    name: Name
    website_url: Site | None = None
    swap_number: Phone | None = None
    call_flow_id: str | None = None
    session_length: Seconds = SESSION_SECONDS
    backup_number: Phone | None = None


class ChangedPool(Form):
    """PUT /number-pools/:id; what is left out stays."""

    name: Name = Field(default="")
    website_url: Site | None = None
    swap_number: Phone | None = None
    call_flow_id: str | None = None
    session_length: Seconds = SESSION_SECONDS
    backup_number: Phone | None = None


def _shape(row: Row) -> shapes.Pool:
    columns: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    return shapes.Pool(**columns, created_at=stamp(row["created_at"]) or "")


def _found(state: State, pool_id: str) -> Row:
    row = state.get("number_pools", pool_id)
    if row is None:
        raise absent("number pool")
    return row


def listing(ask: Ask, query: Paging) -> Page:
    """All pools, oldest first."""
    rows = ask.state.rows("SELECT * FROM number_pools ORDER BY seq")
    return Page([_shape(row) for row in query.cut(rows)], len(rows))


def one(ask: Ask, pool_id: str) -> shapes.Pool:
    """One pool."""
    return _shape(_found(ask.state, pool_id))


def create(ask: Ask, body: NewPool) -> shapes.Pool:
    """POST /number-pools."""
    numbers.flow_exists(ask.state, body.call_flow_id)
    return _shape(ask.state.add("number_pools", **body.model_dump(), created_at=ask.now))


def change(ask: Ask, pool_id: str, body: ChangedPool) -> shapes.Pool:
    """PUT /number-pools/:id."""
    row = _found(ask.state, pool_id)
    numbers.flow_exists(ask.state, body.call_flow_id)
    changes = body.model_dump(exclude_unset=True)
    return _shape(ask.state.change("number_pools", pool_id, **changes) if changes else row)


def delete(ask: Ask, pool_id: str) -> shapes.Gone:
    """DELETE /number-pools/:id."""
    _found(ask.state, pool_id)
    ask.state.remove("number_pools", pool_id)
    return shapes.Gone(id=pool_id, deleted=True)


_POOL = One("number_pool", shapes.Pool)
ROUTES = (
    Route("GET", "/number-pools", Role.VIEWER, listing, Many("number_pools", shapes.Pool), "List pools", query=Paging),
    Route("POST", "/number-pools", Role.MANAGER, create, _POOL, "Create a pool", body=NewPool),
    Route("GET", "/number-pools/{pool_id}", Role.VIEWER, one, _POOL, "Get pool details"),
    Route("PUT", "/number-pools/{pool_id}", Role.MANAGER, change, _POOL, "Update a pool", body=ChangedPool),
    Route("DELETE", "/number-pools/{pool_id}", Role.MANAGER, delete, Bare(shapes.Gone), "Delete a pool"),
)
