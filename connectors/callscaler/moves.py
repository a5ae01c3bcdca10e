"""Moves a number between groups, one durable step at a time: add to the new, verify, remove from the old, verify.

What was there before is noted before anything is changed, and each step is noted before it is taken; so whoever finds
the notes later, after a fall at any point, can finish the move or put the number back. Asked again, it changes nothing.
A number may be in several groups, as far as the document of the API says; it has one `group_id` all the same.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any

from relay.connector import Receipt
from relay.errors import Forbidden, NotFound, Rejected, Unavailable
from relay.models import Counted, GroupBefore, GroupOfNumbers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from relay.callscaler import CallScaler, Number, NumberGroup
    from relay.connector import Job
    from relay.models import Regroup, Restore, UpdateNumber

DAY = 86400.0
MEMBERS_FRESH = 60.0
"""Seconds for which the members of a group that is none of a move's own are believed."""
COUNTED_FRESH = 600.0
"""Seconds for which the service's own figures are believed; what is said of them names their age."""
OVER = frozenset({"completed", "no-answer", "voicemail", "busy", "failed", "answered", "missed"})
"""Every status of a call that is documented: each says that it is over."""
LONGEST_CALL = 4 * 3600.0
LIVE_AGAIN = 60.0
_LOOK = 5
"""Latest calls of a number that are looked at."""


class Mover:
    """The account's groups, and how a number comes from one into another."""

    def __init__(self, client: CallScaler) -> None:
        self._client = client
        self._members: dict[str, tuple[float, frozenset[str]]] = {}
        """Ids of numbers by group, and when they were read."""
        self._counted: tuple[float, dict[str, Counted]] | None = None

    async def groups(self) -> list[GroupOfNumbers]:
        """Every group with its members, read now."""
        found = []
        for group in await self._client.number_groups.list():
            members = await self._client.number_groups.members(group.id)
            found.append(GroupOfNumbers(group.id, group.name or group.id, frozenset(m.id for m in members)))
        return found

    async def counted(self, now: float) -> dict[str, Counted]:
        """Inbound calls by number in 7 and 30 days of UTC, in two requests for all numbers, believed for ten minutes.

        Raises:
            DeliveryFailed: they could not be had.
        """
        if self._counted is None or not 0 <= now - self._counted[0] < COUNTED_FRESH:
            week, month = await self._count(now, 7), await self._count(now, 30)
            self._counted = now, {n: Counted(week.get(n, 0), month.get(n, 0)) for n in {*week, *month}}
        at, counts = self._counted
        return {number: Counted(c.calls_7d, c.calls_30d, age=now - at) for number, c in counts.items()}

    async def _count(self, now: float, days: int) -> dict[str, int]:
        start = dt.datetime.fromtimestamp(now - days * DAY, dt.UTC).date()
        report = await self._client.analytics.calls("tracking_number", start_date=start, direction="inbound")
        rows = [(row.get("tracking_number"), row.get("count")) for row in report.rows]
        return {number: count for number, count in rows if isinstance(number, str) and isinstance(count, int)}

    async def regroup(self, step: Regroup, number: Number, job: Job[Any]) -> Receipt:
        """Leave the number in that group and in no other.

        Raises:
            Rejected: it is not where it was expected, or the group is not there.
            Unavailable: a call is live on it, or the service does not show yet what was done.
        """
        groups = await self._client.number_groups.list()
        target = _named(groups, step.to)
        inside = await self._inside(number, groups, target, job.now)
        names = {group.name for group in inside}
        if "before" not in job.notes:
            if step.expected is not None and names not in ({step.to}, set(step.expected)):
                raise Rejected(_unexpected(step.number, inside, step.expected))
            if target is None and not step.create:
                raise _absent(step.to, groups)
            if names != {step.to}:
                await self._between_calls(number, job.now)
            job.notes["before"] = {"groups": [{"id": group.id, "name": group.name} for group in inside]}
            await job.note()
        elif step.expected is not None:
            ours = {group["name"] for group in job.notes["before"]["groups"]} | {step.to}
            if names - ours:
                raise Rejected(_unexpected(step.number, inside, sorted(ours)))
        if target is None:
            target = await self._make(step, groups, job)
        job.notes["group_id"] = target.id
        await self._bring(number, [target], inside, [g for g in inside if g.id != target.id], job)
        before = [group["id"] for group in job.notes["before"]["groups"]]
        return Receipt(id=target.id, created=before != [target.id])

    async def restore(self, step: Restore, number: Number, job: Job[Any]) -> Receipt:
        """Put the number back into exactly the groups that it was in.

        Raises:
            Rejected: it is not where it was left, or a group that it was in is gone.
            Unavailable: as for a move.
        """
        groups = await self._client.number_groups.list()
        wanted = [_same(groups, before) for before in step.groups or ()]
        inside = await self._inside(number, groups, None, job.now)
        ours = {*step.left, *(group.name for group in wanted)}
        if strangers := [group for group in inside if group.name not in ours]:
            raise Rejected(_unexpected(step.number, strangers, sorted(str(name) for name in ours)))
        kept = {group.id for group in wanted}
        leaving = [group for group in inside if group.id not in kept]
        if "before" not in job.notes:
            if {group.id for group in inside} != kept:
                await self._between_calls(number, job.now)
            job.notes["before"] = {"groups": [{"id": group.id, "name": group.name} for group in inside]}
            await job.note()
        job.notes["group_id"] = wanted[0].id if wanted else None
        await self._bring(number, wanted, inside, leaving, job)
        return Receipt(id=number.id, created=bool(leaving))

    async def _bring(
        self,
        number: Number,
        wanted: Sequence[NumberGroup],
        inside: Sequence[NumberGroup],
        leaving: Sequence[NumberGroup],
        job: Job[Any],
    ) -> None:
        there = {group.id for group in inside}
        for group in (*wanted, *leaving):
            self._members.pop(group.id, None)
        for group in wanted:
            if group.id in there:
                continue
            await _noted(job, f"adding to {group.name}")
            await self._client.number_groups.add_members(group.id, [number.id])
            if number.id not in await self._read(group):
                raise Unavailable(f"{number.phone_number} does not show in {group.name} yet")
        for group in leaving:
            await self._leave(group, number, job)
        await _noted(job, "done")

    async def _leave(self, group: NumberGroup, number: Number, job: Job[Any]) -> None:
        if number.id not in await self._read(group):
            return
        await _noted(job, f"removing from {group.name}")
        with contextlib.suppress(NotFound):  # gone already: the list that still showed it lags behind
            await self._client.number_groups.remove_member(group.id, number.id)
        if number.id in await self._read(group):
            raise Unavailable(f"{number.phone_number} still shows in {group.name}")

    async def _make(self, step: Regroup, groups: Iterable[NumberGroup], job: Job[Any]) -> NumberGroup:
        if not step.create:
            raise _absent(step.to, groups)
        await _noted(job, f"making {step.to}")
        return await self._client.number_groups.create(step.to)

    async def _inside(
        self, number: Number, groups: Iterable[NumberGroup], target: NumberGroup | None, now: float
    ) -> list[NumberGroup]:
        """The groups that hold a number: those that it may be about are read now, the others lately."""
        found = []
        for group in groups:
            own = group.id == number.group_id or (target is not None and group.id == target.id)
            known = self._members.get(group.id)
            fresh = not own and known is not None and 0 <= now - known[0] < MEMBERS_FRESH
            members = known[1] if fresh and known is not None else await self._read(group, now)
            if number.id in members:
                found.append(group)
        return sorted(found, key=lambda group: group.name or group.id)

    async def _read(self, group: NumberGroup, now: float | None = None) -> frozenset[str]:
        try:
            members = frozenset(m.id for m in await self._client.number_groups.members(group.id))
        except NotFound:
            members = frozenset()  # deleted between the list of groups and this: nothing is in it
        if now is not None:
            self._members[group.id] = now, members
        return members

    async def _between_calls(self, number: Number, now: float) -> None:
        """Wait for the end of a call that is live on the number, where the service tells of one.

        Raises:
            Unavailable: there is one.
        """
        try:
            async for page in self._client.calls.pages(number_id=number.id, limit=_LOOK):
                for call in page.rows:
                    status, at = call.get("status"), _moment(call.get("created_at"))
                    live = isinstance(status, str) and status not in OVER
                    if live and at is not None and now - at < LONGEST_CALL:
                        why = f"a call is live on {number.phone_number} ({status}); it is moved afterwards"
                        raise Unavailable(why, retry_after=LIVE_AGAIN)
                return
        except (NotFound, Forbidden):
            return  # this key is told of no calls, so none can be waited for


async def update(client: CallScaler, step: UpdateNumber, number: Number, job: Job[Any]) -> Receipt:
    """Rename a number or give it another call flow; what is so already is left alone."""
    flow_id: str | None = None
    if step.call_flow is not None:
        flows = [flow for flow in await client.call_flows.list() if flow.name == step.call_flow]
        if not flows:
            raise NotFound(f"there is no call flow {step.call_flow}")
        if len(flows) > 1:
            raise Rejected(f"{len(flows)} call flows are called {step.call_flow}; give them names of their own")
        flow_id = flows[0].id
    return await _change(client, number, step.friendly_name, flow_id, job)


async def change_back(client: CallScaler, step: Restore, number: Number, job: Job[Any]) -> Receipt:
    """Give a number the name and the call flow back that it had."""
    return await _change(client, number, step.friendly_name, step.call_flow_id, job)


async def _change(client: CallScaler, number: Number, name: str | None, flow_id: str | None, job: Job[Any]) -> Receipt:
    if "before" not in job.notes:
        job.notes["before"] = {"friendly_name": number.label, "call_flow_id": number.call_flow_id}
    same = (name is None or number.label == name) and (flow_id is None or number.call_flow_id == flow_id)
    if not same:
        await _noted(job, "changing")
        await client.numbers.update(number.id, friendly_name=name, call_flow_id=flow_id)
        for again in await client.numbers.list():
            if again.id == number.id and (
                (name is not None and again.label != name) or (flow_id is not None and again.call_flow_id != flow_id)
            ):
                raise Unavailable(f"{number.phone_number} does not show its change yet")
    await _noted(job, "done")
    return Receipt(id=number.id, created=False)


async def _noted(job: Job[Any], step: str) -> None:
    job.notes["step"] = step
    await job.note()


def _named(groups: Iterable[NumberGroup], name: str) -> NumberGroup | None:
    found = [group for group in groups if group.name == name]
    if len(found) > 1:
        raise Rejected(f"{len(found)} number groups are called {name}; give them names of their own")
    return found[0] if found else None


def _same(groups: Iterable[NumberGroup], before: GroupBefore) -> NumberGroup:
    """The group that a number was in: by its id, as it may have been renamed, else by its name."""
    known = list(groups)
    by_id = next((group for group in known if group.id == before.id), None)
    found = by_id or _named(known, before.name or "")
    if found is None:
        raise Rejected(f"the number group {before.name or before.id} that it was in is gone; make it, and undo again")
    return found


def _absent(name: str, groups: Iterable[NumberGroup]) -> NotFound:
    known = ", ".join(sorted(group.name or group.id for group in groups))
    return NotFound(f"there is no number group {name} (there are: {known}); create: true would make it")


def _unexpected(number: str, inside: Iterable[NumberGroup], expected: Collection[str]) -> str:
    found = ", ".join(group.name or group.id for group in inside) or "no group"
    return (
        f"{number} is in {found}, and was expected in {', '.join(expected) or 'no group'}: somebody moved it; "
        "it is left there (regroup: enforce: true would move it)"
    )


def _moment(written: Any) -> float | None:
    try:
        moment = dt.datetime.fromisoformat(written if isinstance(written, str) else "")
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()
