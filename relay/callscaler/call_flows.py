"""Call flows: the steps that a call goes through, in versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.callscaler.numbers import Number
from relay.callscaler.resource import Resource
from relay.callscaler.thing import Rows, Thing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Step(Thing):
    """One step of a call flow; which further fields it has depends on its type."""

    type: str | None = None
    """greeting, forward, voicemail, webhook …"""
    message: str | None = None
    """Of a greeting."""
    number: str | None = None
    """Of a forward, E.164."""


class Settings(Thing):
    """Switches of a call flow."""

    recording: bool | None = None
    whisper: bool | None = None
    press1: bool | None = None


class CallFlow(Thing):
    """A call flow; listings may leave out its steps. Newer answers carry `config_json` instead."""

    id: str
    name: str | None = None
    steps: tuple[Step, ...] | None = None
    settings: Settings | None = None
    version: int | None = None
    assigned_numbers: int | None = None
    """How many numbers it answers."""
    created_at: str | None = None
    config_json: Any = None


class CallFlowVersion(Thing):
    """An earlier or the present state of a call flow; the documents do not list its fields."""

    id: str | None = None
    version: int | None = None
    created_at: str | None = None


class CallFlows(Resource):
    """`client.call_flows`."""

    async def list(self, *, limit: int | None = None, offset: int | None = None) -> Rows[CallFlow]:
        """All call flows; `limit` is rows a page, and only sent when given."""
        return await self._listed("call-flows list", CallFlow, ("call_flows",), limit=limit, offset=offset)

    async def get(self, id: str) -> CallFlow:  # noqa: A002 - the API's own name
        """One call flow with its steps."""
        return await self._one("call-flows get", CallFlow, ("call_flow",), id=id)

    async def create(
        self,
        name: str,
        steps: Sequence[Mapping[str, Any]] | None = None,
        settings: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> CallFlow:
        """Make a call flow; further fields go into the body as they are."""
        return await self._created(
            "call-flows create",
            CallFlow,
            ("call_flow",),
            name=name,
            steps=steps,
            settings=settings,
            fields=fields,
        )

    async def update(
        self,
        id: str,  # noqa: A002 - the API's own name
        name: str | None = None,
        steps: Sequence[Mapping[str, Any]] | None = None,
        settings: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> CallFlow:
        """Change what is given; the API keeps the earlier version."""
        return await self._one(
            "call-flows update",
            CallFlow,
            ("call_flow",),
            id=id,
            name=name,
            steps=steps,
            settings=settings,
            fields=fields,
        )

    async def delete(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Delete a call flow."""
        await self._done("call-flows delete", id=id)

    async def versions(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Rows[CallFlowVersion]:
        """Its versions."""
        keys = ("versions",)
        return await self._listed("call-flows versions", CallFlowVersion, keys, id=id, limit=limit, offset=offset)

    async def numbers(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Rows[Number]:
        """The numbers that it answers."""
        return await self._listed("call-flows numbers", Number, ("numbers",), id=id, limit=limit, offset=offset)

    async def duplicate(self, id: str) -> CallFlow:  # noqa: A002 - the API's own name
        """Copy it; the copy has an id of its own."""
        return await self._created("call-flows duplicate", CallFlow, ("call_flow",), id=id)

    async def restore(self, id: str, version: int | str) -> CallFlow:  # noqa: A002 - the API's own name
        """Bring back an earlier version."""
        return await self._one("call-flows restore", CallFlow, ("call_flow",), id=id, version=version)
