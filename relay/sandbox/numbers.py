"""Tracking numbers: listing, searching, buying, renaming, releasing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints

from relay.models import Form
from relay.sandbox import billing, dashboard, shapes
from relay.sandbox.export import as_csv
from relay.sandbox.refused import Refused, absent, wrong
from relay.sandbox.route import Bare, Many, One, Page, Paging, Raw, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask, Bytes
    from relay.sandbox.state import Row, State

_SELECT = """
    SELECT numbers.*, call_flows.name AS call_flow_name, number_groups.name AS group_name,
           (SELECT count(*) FROM calls WHERE calls.number_id = numbers.id) AS total_calls
    FROM numbers
    LEFT JOIN call_flows ON call_flows.id = numbers.call_flow_id
    LEFT JOIN number_groups ON number_groups.id = numbers.group_id
"""
_ON_OFFER = 10
# 555-0100 to 555-0199 are set aside for fiction; the sandbox sells nothing else.
_FIRST, _LAST = 100, 199
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
AreaCode = Annotated[str, StringConstraints(pattern=r"^[2-9][0-9]{2}$")]
Fictional = Annotated[str, StringConstraints(pattern=r"^\+1[2-9][0-9]{2}55501[0-9]{2}$")]


class Search(Form):
    """POST /numbers/search."""

    area_code: AreaCode


class Purchase(Form):
    """POST /numbers/purchase; phone_number as the search gave it."""

    phone_number: Fictional
    friendly_name: Name | None = None
    call_flow_id: str | None = None


class Change(Form):
    """PATCH /numbers/:id; what is left out stays, a null call flow detaches."""

    friendly_name: Name = Field(default="")
    call_flow_id: str | None = None
    status: Literal["active", "inactive"] = "active"


def shape(row: Row) -> shapes.Number:
    """A joined row as the API writes it."""
    return shapes.Number(
        id=row["id"],
        phone_number=row["phone_number"],
        friendly_name=row["friendly_name"],
        type=row["type"],
        call_flow_id=row["call_flow_id"],
        call_flow_name=row["call_flow_name"],
        group_id=row["group_id"],
        group_name=row["group_name"],
        status=row["status"],
        created_at=stamp(row["created_at"]) or "",
        name=row["friendly_name"],
        number_source="owned",
        total_calls=row["total_calls"],
        sms_enabled=bool(row["sms_enabled"]),
        tcr_sw_state=row["tcr_sw_state"],
    )


def found(state: State, number_id: str) -> Row:
    """One number with the names of its flow and group.

    Raises:
        Refused: 404, the business has no such number.
    """
    row = state.row(f"{_SELECT} WHERE numbers.id = ?", (number_id,))
    if row is None:
        raise absent("number")
    return row


def where(state: State, column: str, value: str) -> list[Row]:
    """The numbers of a call flow or a group, oldest first."""
    return state.rows(f"{_SELECT} WHERE numbers.{column} = ? ORDER BY numbers.seq", (value,))


def listing(ask: Ask, query: Paging) -> Page:
    """All numbers, oldest first."""
    rows = ask.state.rows(f"{_SELECT} ORDER BY numbers.seq")
    return Page([shape(row) for row in query.cut(rows)], len(rows))


def one(ask: Ask, number_id: str) -> shapes.Number:
    """One number."""
    if not ask.world.settings.number_lookup:
        raise Refused(404, "not found")
    return shape(found(ask.state, number_id))


def _offers(state: State, area_code: str) -> list[str]:
    owned = {row["phone_number"] for row in state.rows("SELECT phone_number FROM numbers")}
    offered = (f"+1{area_code}5550{line}" for line in range(_FIRST, _LAST + 1))
    return [number for number in offered if number not in owned]


def search(ask: Ask, body: Search) -> Page:
    """Numbers on offer in an area."""
    offers = [
        shapes.Offer(
            phone_number=number,
            friendly_name=f"({number[2:5]}) {number[5:8]}-{number[8:]}",
            region="IL" if body.area_code == "312" else "US",
            iso_country="US",
            number_type="local",
            capabilities=shapes.Capabilities(voice=True, sms=True, mms=True),
        )
        for number in _offers(ask.state, body.area_code)[:_ON_OFFER]
    ]
    return Page(offers, len(offers))


def flow_exists(state: State, call_flow_id: str | None) -> None:
    """Refuse a call flow that the business does not have; none at all is fine."""
    if call_flow_id is not None and state.get("call_flows", call_flow_id) is None:
        raise wrong("call_flow_id names no call flow of this business")


def purchase(ask: Ask, body: Purchase) -> shapes.Number:
    """Buy a number; it can text only once it is registered, as at the real one."""
    flow_exists(ask.state, body.call_flow_id)
    if body.phone_number not in _offers(ask.state, body.phone_number[2:5]):
        raise wrong("this number is no longer available; search again")
    billing.charge(ask.world, ask.world.settings.number_cents, "number", f"Number {body.phone_number}")
    row = ask.state.add(
        "numbers",
        phone_number=body.phone_number,
        friendly_name=body.friendly_name or body.phone_number,
        type="local",
        call_flow_id=body.call_flow_id,
        status="active",
        sms_enabled=0,
        tcr_sw_state="not_registered",
        created_at=ask.now,
    )
    return shape(found(ask.state, row["id"]))


def change(ask: Ask, number_id: str, body: Change) -> shapes.Number:
    """Rename, attach to a call flow, switch on or off."""
    found(ask.state, number_id)
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    if not changes:
        raise wrong("give at least one of friendly_name, call_flow_id, status")
    flow_exists(ask.state, changes.get("call_flow_id"))
    ask.state.change("numbers", number_id, **changes)
    return shape(found(ask.state, number_id))


def release(ask: Ask, number_id: str) -> shapes.Gone:
    """Give the number back; its calls stay."""
    found(ask.state, number_id)
    ask.state.remove("numbers", number_id)
    ask.state.run("DELETE FROM memberships WHERE number_id = ?", (number_id,))
    return shapes.Gone(id=number_id, deleted=True)


def export(ask: Ask) -> Bytes:
    """All numbers as CSV."""
    rows = ask.state.rows(f"{_SELECT} ORDER BY numbers.seq")
    return as_csv([shape(row).model_dump() for row in rows], list(shapes.Number.model_fields), "numbers.csv")


def bulk_stats(ask: Ask) -> shapes.StatsOf:
    """Figures of every number."""
    rows = ask.state.rows("SELECT id FROM numbers ORDER BY seq")
    return shapes.StatsOf(stats={row["id"]: dashboard.figures(ask.state, "number_id = ?", [row["id"]]) for row in rows})


def stats(ask: Ask, number_id: str) -> shapes.Stats:
    """Figures of one number."""
    found(ask.state, number_id)
    return dashboard.figures(ask.state, "number_id = ?", [number_id])


ROUTES = (
    Route("GET", "/numbers", Role.VIEWER, listing, Many("numbers", shapes.Number), "List all numbers", query=Paging),
    Route(
        "POST",
        "/numbers/search",
        Role.MANAGER,
        search,
        Many("numbers", shapes.Offer),
        "Search by area code",
        body=Search,
    ),
    Route(
        "POST",
        "/numbers/purchase",
        Role.MANAGER,
        purchase,
        One("number", shapes.Number),
        "Purchase a number",
        body=Purchase,
    ),
    Route("GET", "/numbers/export", Role.VIEWER, export, Raw("text/csv"), "All numbers as CSV", listed=False),
    Route(
        "GET",
        "/numbers/bulk-stats",
        Role.VIEWER,
        bulk_stats,
        Bare(shapes.StatsOf),
        "Stats for all numbers",
        listed=False,
    ),
    Route("GET", "/numbers/{number_id}", Role.VIEWER, one, One("number", shapes.Number), "Get a single number"),
    Route(
        "PATCH",
        "/numbers/{number_id}",
        Role.MANAGER,
        change,
        One("number", shapes.Number),
        "Update a number",
        body=Change,
    ),
    Route("DELETE", "/numbers/{number_id}", Role.MANAGER, release, Bare(shapes.Gone), "Release a number"),
    Route(
        "GET", "/numbers/{number_id}/stats", Role.VIEWER, stats, Bare(shapes.Stats), "Stats of one number", listed=False
    ),
)
