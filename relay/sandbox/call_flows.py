"""Call flows: what happens when a call comes in. Every change makes a version; old ones can be read and restored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field

from relay.models import Form
from relay.sandbox import numbers, shapes
from relay.sandbox.numbers import Name
from relay.sandbox.refused import absent
from relay.sandbox.route import Bare, Many, One, Page, Paging, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.sandbox.route import Ask
    from relay.sandbox.state import Row, State

_SELECT = """
    SELECT call_flows.*, (SELECT count(*) FROM numbers WHERE numbers.call_flow_id = call_flows.id) AS assigned_numbers
    FROM call_flows
"""
_MOST_STEPS = 100
DEFAULT_SETTINGS = {"recording": False, "whisper": False, "press1": False}


class Step(Form):
    """One step; its type is an open set, and what else it holds depends on that."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(min_length=1)]


Steps = Annotated[list[Step], Field(max_length=_MOST_STEPS)]


class NewFlow(Form):
    """POST /call-flows; settings left out have their defaults."""

    name: Name
    steps: Steps = Field(default_factory=list)
    settings: dict[str, Any] = Field(default_factory=dict)


class ChangedFlow(Form):
    """PUT /call-flows/:id; what is left out stays."""

    name: Name = Field(default="")
    steps: Steps = Field(default_factory=list)
    settings: dict[str, Any] = Field(default_factory=dict)


def _shape(row: Row) -> shapes.CallFlow:
    return shapes.CallFlow(
        id=row["id"],
        name=row["name"],
        steps=json.loads(row["steps_json"]),
        settings=json.loads(row["settings_json"]),
        version=row["version"],
        assigned_numbers=row["assigned_numbers"],
        created_at=stamp(row["created_at"]) or "",
    )


def _version_shape(row: Row) -> shapes.CallFlowVersion:
    return shapes.CallFlowVersion(
        id=row["id"],
        call_flow_id=row["call_flow_id"],
        version=row["version"],
        name=row["name"],
        steps=json.loads(row["steps_json"]),
        settings=json.loads(row["settings_json"]),
        created_at=stamp(row["created_at"]) or "",
    )


def found(state: State, flow_id: str) -> Row:
    """One call flow with how many numbers it has.

    Raises:
        Refused: 404, the business has no such call flow.
    """
    row = state.row(f"{_SELECT} WHERE call_flows.id = ?", (flow_id,))
    if row is None:
        raise absent("call flow")
    return row


def _plain(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [step.model_dump() for step in steps]


def _keep_version(state: State, flow: Row, now: float) -> None:
    kept = {name: flow[name] for name in ("version", "name", "steps_json", "settings_json")}
    state.add("call_flow_versions", call_flow_id=flow["id"], created_at=now, **kept)


def make(
    state: State, name: str, steps: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], now: float
) -> shapes.CallFlow:
    """A new call flow, version 1."""
    row = state.add(
        "call_flows",
        name=name,
        steps_json=json.dumps(steps),
        settings_json=json.dumps(DEFAULT_SETTINGS | dict(settings)),
        version=1,
        created_at=now,
    )
    _keep_version(state, row, now)
    return _shape(found(state, row["id"]))


def _advance(ask: Ask, flow: Row, **changes: Any) -> shapes.CallFlow:
    row = ask.state.change("call_flows", flow["id"], version=flow["version"] + 1, **changes)
    _keep_version(ask.state, row, ask.now)
    return _shape(found(ask.state, flow["id"]))


def listing(ask: Ask, query: Paging) -> Page:
    """All call flows, oldest first."""
    rows = ask.state.rows(f"{_SELECT} ORDER BY call_flows.seq")
    return Page([_shape(row) for row in query.cut(rows)], len(rows))


def one(ask: Ask, flow_id: str) -> shapes.CallFlow:
    """One call flow with its steps."""
    return _shape(found(ask.state, flow_id))


def create(ask: Ask, body: NewFlow) -> shapes.CallFlow:
    """POST /call-flows."""
    return make(ask.state, body.name, _plain(body.steps), body.settings, ask.now)


def change(ask: Ask, flow_id: str, body: ChangedFlow) -> shapes.CallFlow:
    """PUT /call-flows/:id: the version grows by one."""
    flow = found(ask.state, flow_id)
    changes: dict[str, Any] = {}
    if "name" in body.model_fields_set:
        changes["name"] = body.name
    if "steps" in body.model_fields_set:
        changes["steps_json"] = json.dumps(_plain(body.steps))
    if "settings" in body.model_fields_set:
        changes["settings_json"] = json.dumps(json.loads(flow["settings_json"]) | body.settings)
    return _advance(ask, flow, **changes)


def delete(ask: Ask, flow_id: str) -> shapes.Gone:
    """Its numbers are left without a call flow."""
    found(ask.state, flow_id)
    ask.state.run("UPDATE numbers SET call_flow_id = NULL WHERE call_flow_id = ?", (flow_id,))
    ask.state.run("UPDATE number_pools SET call_flow_id = NULL WHERE call_flow_id = ?", (flow_id,))
    ask.state.run("DELETE FROM call_flow_versions WHERE call_flow_id = ?", (flow_id,))
    ask.state.remove("call_flows", flow_id)
    return shapes.Gone(id=flow_id, deleted=True)


def versions(ask: Ask, flow_id: str, query: Paging) -> Page:
    """Every version, newest first."""
    found(ask.state, flow_id)
    rows = ask.state.rows("SELECT * FROM call_flow_versions WHERE call_flow_id = ? ORDER BY version DESC", (flow_id,))
    return Page([_version_shape(row) for row in query.cut(rows)], len(rows))


def attached(ask: Ask, flow_id: str, query: Paging) -> Page:
    """The numbers of a call flow."""
    found(ask.state, flow_id)
    rows = numbers.where(ask.state, "call_flow_id", flow_id)
    return Page([numbers.shape(row) for row in query.cut(rows)], len(rows))


def duplicate(ask: Ask, flow_id: str) -> shapes.CallFlow:
    """The same steps under another name, version 1, without numbers."""
    flow = found(ask.state, flow_id)
    return make(
        ask.state,
        f"{flow['name']} (copy)",
        json.loads(flow["steps_json"]),
        json.loads(flow["settings_json"]),
        ask.now,
    )


def restore(ask: Ask, flow_id: str, version: str) -> shapes.CallFlow:
    """An old version becomes the newest one."""
    flow = found(ask.state, flow_id)
    old = ask.state.row(
        "SELECT * FROM call_flow_versions WHERE call_flow_id = ? AND CAST(version AS TEXT) = ?", (flow_id, version)
    )
    if old is None:
        raise absent("version")
    return _advance(ask, flow, **{name: old[name] for name in ("name", "steps_json", "settings_json")})


_FLOW = One("call_flow", shapes.CallFlow)
ROUTES = (
    Route(
        "GET",
        "/call-flows",
        Role.VIEWER,
        listing,
        Many("call_flows", shapes.CallFlow),
        "List all call flows",
        query=Paging,
    ),
    Route("POST", "/call-flows", Role.MANAGER, create, _FLOW, "Create a call flow", body=NewFlow),
    Route("GET", "/call-flows/{flow_id}", Role.VIEWER, one, _FLOW, "Get call flow with step configuration"),
    Route("PUT", "/call-flows/{flow_id}", Role.MANAGER, change, _FLOW, "Update a call flow", body=ChangedFlow),
    Route("DELETE", "/call-flows/{flow_id}", Role.MANAGER, delete, Bare(shapes.Gone), "Delete a call flow"),
    Route(
        "GET",
        "/call-flows/{flow_id}/versions",
        Role.VIEWER,
        versions,
        Many("versions", shapes.CallFlowVersion),
        "List version history",
        query=Paging,
    ),
    Route(
        "GET",
        "/call-flows/{flow_id}/numbers",
        Role.VIEWER,
        attached,
        Many("numbers", shapes.Number),
        "Numbers attached to a call flow",
        query=Paging,
        listed=False,
    ),
    Route(
        "POST", "/call-flows/{flow_id}/duplicate", Role.MANAGER, duplicate, _FLOW, "Duplicate a call flow", listed=False
    ),
    Route(
        "POST",
        "/call-flows/{flow_id}/versions/{version}/restore",
        Role.MANAGER,
        restore,
        _FLOW,
        "Restore an old version",
        listed=False,
    ),
)
