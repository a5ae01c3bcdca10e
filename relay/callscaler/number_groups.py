"""Number groups: numbers put together for filtering and reporting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.callscaler.answers import one
from relay.callscaler.numbers import Number
from relay.callscaler.resource import Resource
from relay.callscaler.table import OPERATIONS
from relay.callscaler.thing import Rows, Thing, read

if TYPE_CHECKING:
    from collections.abc import Sequence


class NumberGroup(Thing):
    """A group of numbers; the documents name no field but these."""

    id: str
    name: str | None = None
    created_at: str | None = None


class GroupStats(Thing):
    """Figures for one group; the documents do not name them, so all are in `model_extra`."""


class NumberGroups(Resource):
    """`client.number_groups`."""

    async def list(self, *, limit: int | None = None, offset: int | None = None) -> Rows[NumberGroup]:
        """All groups; `limit` is rows a page, and only sent when given."""
        keys = ("number_groups", "groups")
        return await self._listed("number-groups list", NumberGroup, keys, limit=limit, offset=offset)

    async def bulk_stats(self) -> dict[str, GroupStats]:
        """Figures for all groups, by the group's id."""
        name = "number-groups bulk-stats"
        told = one(await self._transport.ask(name, {}), ("stats",))
        stats = told.get("stats", told)
        pairs = (
            [(str(row.get("group_id") or row.get("id")), row) for row in stats if isinstance(row, dict)]
            if isinstance(stats, list)
            else [(group, row) for group, row in stats.items() if isinstance(row, dict)]
        )
        return {group: read(OPERATIONS[name], GroupStats, row) for group, row in pairs}

    async def members(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Rows[Number]:
        """The numbers of a group."""
        keys = ("members", "numbers")
        return await self._listed("number-groups members", Number, keys, id=id, limit=limit, offset=offset)

    async def create(self, name: str) -> NumberGroup:
        """Make a group."""
        return await self._created("number-groups create", NumberGroup, ("number_group", "group"), name=name)

    async def update(self, id: str, name: str | None = None) -> NumberGroup:  # noqa: A002 - the API's own name
        """Rename a group."""
        return await self._one("number-groups update", NumberGroup, ("number_group", "group"), id=id, name=name)

    async def delete(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Delete a group."""
        await self._done("number-groups delete", id=id)

    async def add_members(self, id: str, number_ids: Sequence[str]) -> None:  # noqa: A002 - the API's own name
        """Put numbers, by their ids, into a group."""
        await self._done("number-groups add-members", id=id, number_ids=[*number_ids])

    async def remove_member(self, id: str, number_id: str) -> None:  # noqa: A002 - the API's own name
        """Take a number out of a group; the number itself stays."""
        await self._done("number-groups remove-member", id=id, number_id=number_id)
