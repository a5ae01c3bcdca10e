"""Number groups. A number has one group_id, so it is in one group at most: adding it to another moves it.

With `several_groups` the others are kept beside it: `group_id` is then the one it was added to last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from relay.models import Form
from relay.sandbox import dashboard, numbers, shapes
from relay.sandbox.numbers import Name
from relay.sandbox.refused import absent, wrong
from relay.sandbox.route import Bare, Many, One, Page, Paging, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask, World
    from relay.sandbox.state import Row, State

_SELECT = """
    SELECT number_groups.*, (SELECT count(*) FROM numbers WHERE numbers.group_id = number_groups.id)
           + (SELECT count(*) FROM memberships WHERE memberships.group_id = number_groups.id) AS number_count
    FROM number_groups
"""
_INSIDE = "(group_id = ? OR id IN (SELECT number_id FROM memberships WHERE memberships.group_id = ?))"


class NewGroup(Form):
    """POST /number-groups."""

    name: Name


class ChangedGroup(Form):
    """PUT /number-groups/:id; without a name nothing changes."""

    name: Name = Field(default="")


class Members(Form):
    """POST /number-groups/:id/members; ids of numbers."""

    number_ids: Annotated[list[str], Field(min_length=1, max_length=1_000)]


def _shape(row: Row) -> shapes.Group:
    return shapes.Group(
        id=row["id"],
        name=row["name"],
        number_count=row["number_count"],
        created_at=stamp(row["created_at"]) or "",
    )


def _found(state: State, group_id: str) -> Row:
    row = state.row(f"{_SELECT} WHERE number_groups.id = ?", (group_id,))
    if row is None:
        raise absent("number group")
    return row


def _free_name(state: State, name: str, group_id: str = "") -> None:
    if state.row("SELECT 1 FROM number_groups WHERE name = ? AND id <> ?", (name, group_id)):
        raise wrong("name: there is a number group of this name already")


def listing(ask: Ask, query: Paging) -> Page:
    """All groups, oldest first."""
    rows = ask.state.rows(f"{_SELECT} ORDER BY number_groups.seq")
    return Page([_shape(row) for row in query.cut(rows)], len(rows))


def bulk_stats(ask: Ask) -> shapes.StatsOf:
    """Figures of every group, over the numbers that are in it now."""
    groups = ask.state.rows("SELECT id FROM number_groups ORDER BY seq")
    of_group = f"number_id IN (SELECT id FROM numbers WHERE {_INSIDE})"  # noqa: S608 - our own words
    return shapes.StatsOf(
        stats={row["id"]: dashboard.figures(ask.state, of_group, [row["id"], row["id"]]) for row in groups}
    )


def member_ids(state: State, group_id: str) -> list[str]:
    """The numbers of a group by their ids, oldest first."""
    sql = f"SELECT id FROM numbers WHERE {_INSIDE} ORDER BY seq"  # noqa: S608 - our own words
    return [row["id"] for row in state.rows(sql, (group_id, group_id))]


def members(ask: Ask, group_id: str, query: Paging) -> Page:
    """The numbers of a group."""
    _found(ask.state, group_id)
    stale = ask.world.faults.stale_group(group_id)
    found = member_ids(ask.state, group_id) if stale is None else stale
    rows = query.cut([numbers.found(ask.state, number_id) for number_id in found])
    return Page([numbers.shape(row) for row in rows], len(found))


def create(ask: Ask, body: NewGroup) -> shapes.Group:
    """POST /number-groups."""
    _free_name(ask.state, body.name)
    row = ask.state.add("number_groups", name=body.name, created_at=ask.now)
    return _shape(_found(ask.state, row["id"]))


def change(ask: Ask, group_id: str, body: ChangedGroup) -> shapes.Group:
    """PUT /number-groups/:id."""
    _found(ask.state, group_id)
    if body.name:
        _free_name(ask.state, body.name, group_id)
        ask.state.change("number_groups", group_id, name=body.name)
    return _shape(_found(ask.state, group_id))


def delete(ask: Ask, group_id: str) -> shapes.Gone:
    """Its numbers are left without a group."""
    _found(ask.state, group_id)
    for number_id in member_ids(ask.state, group_id):
        _leave(ask.state, number_id, group_id)
    ask.state.remove("number_groups", group_id)
    return shapes.Gone(id=group_id, deleted=True)


def add_members(ask: Ask, group_id: str, body: Members) -> Page:
    """All of them or none; numbers that are in the group already stay. Answers everyone who is in it now."""
    _found(ask.state, group_id)
    for number_id in body.number_ids:
        if ask.state.get("numbers", number_id) is None:
            raise wrong("number_ids names a number that this business does not have")
    _lag(ask.world, group_id)
    for number_id in body.number_ids:
        join(ask.world, number_id, group_id)
    return members(ask, group_id, Paging())


def _lag(world: World, group_id: str) -> None:
    world.faults.lag_group(group_id, member_ids(world.state, group_id))


def join(world: World, number_id: str, group_id: str) -> None:
    """Into a group, and out of the one that it was in, unless a number may be in several."""
    before = numbers.found(world.state, number_id)["group_id"]
    if before == group_id:
        return
    if before is not None and world.settings.several_groups:
        world.state.add("memberships", number_id=number_id, group_id=before)
    elif before is not None:
        _lag(world, before)
    _forget(world.state, number_id, group_id)
    world.state.change("numbers", number_id, group_id=group_id)


def _leave(state: State, number_id: str, group_id: str) -> None:
    """Out of a group; where it is in others, one of those is its `group_id` from now on."""
    _forget(state, number_id, group_id)
    if numbers.found(state, number_id)["group_id"] != group_id:
        return
    other = state.value("SELECT group_id FROM memberships WHERE number_id = ? ORDER BY seq DESC", (number_id,))
    state.change("numbers", number_id, group_id=other)
    if other is not None:
        _forget(state, number_id, other)


def _forget(state: State, number_id: str, group_id: str) -> None:
    state.run("DELETE FROM memberships WHERE number_id = ? AND group_id = ?", (number_id, group_id))


def remove_member(ask: Ask, group_id: str, number_id: str) -> shapes.Gone:
    """The number stays, without a group."""
    _found(ask.state, group_id)
    numbers.found(ask.state, number_id)
    if number_id not in member_ids(ask.state, group_id):
        raise absent("number in this group")
    _lag(ask.world, group_id)
    _leave(ask.state, number_id, group_id)
    return shapes.Gone(id=number_id, deleted=True)


_GROUP = One("number_group", shapes.Group)
_MEMBERS = Many("members", shapes.Number)
ROUTES = (
    Route(
        "GET", "/number-groups", Role.VIEWER, listing, Many("number_groups", shapes.Group), "List groups", query=Paging
    ),
    Route("GET", "/number-groups/bulk-stats", Role.VIEWER, bulk_stats, Bare(shapes.StatsOf), "Stats for all groups"),
    Route(
        "GET",
        "/number-groups/{group_id}/members",
        Role.VIEWER,
        members,
        _MEMBERS,
        "List numbers in a group",
        query=Paging,
    ),
    Route("POST", "/number-groups", Role.MANAGER, create, _GROUP, "Create a group", body=NewGroup),
    Route("PUT", "/number-groups/{group_id}", Role.MANAGER, change, _GROUP, "Update a group", body=ChangedGroup),
    Route("DELETE", "/number-groups/{group_id}", Role.MANAGER, delete, Bare(shapes.Gone), "Delete a group"),
    Route(
        "POST",
        "/number-groups/{group_id}/members",
        Role.MANAGER,
        add_members,
        _MEMBERS,
        "Add numbers to group",
        body=Members,
    ),
    Route(
        "DELETE",
        "/number-groups/{group_id}/members/{number_id}",
        Role.MANAGER,
        remove_member,
        Bare(shapes.Gone),
        "Remove number from group",
    ),
)
