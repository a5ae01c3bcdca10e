"""Number pools: numbers shown to website visitors in turn (dynamic number insertion)."""

from __future__ import annotations

from typing import Any

from relay.callscaler.resource import Resource
from relay.callscaler.thing import Rows, Thing


class NumberPool(Thing):
    """A pool; the documents name its fields on screen only, so most are in `model_extra`."""

    id: str
    name: str | None = None
    call_flow_id: str | None = None
    created_at: str | None = None


class NumberPools(Resource):
    """`client.number_pools`."""

    async def list(self, *, limit: int | None = None, offset: int | None = None) -> Rows[NumberPool]:
        """All pools; `limit` is rows a page, and only sent when given."""
        keys = ("number_pools", "pools")
        return await self._listed("number-pools list", NumberPool, keys, limit=limit, offset=offset)

    async def create(self, name: str, **fields: Any) -> NumberPool:
        """Make a pool; further fields go into the body as they are."""
        keys = ("number_pool", "pool")
        return await self._created("number-pools create", NumberPool, keys, name=name, fields=fields)

    async def get(self, id: str) -> NumberPool:  # noqa: A002 - the API's own name
        """One pool."""
        return await self._one("number-pools get", NumberPool, ("number_pool", "pool"), id=id)

    async def update(self, id: str, name: str | None = None, **fields: Any) -> NumberPool:  # noqa: A002 - the API's own name
        """Change what is given."""
        keys = ("number_pool", "pool")
        return await self._one("number-pools update", NumberPool, keys, id=id, name=name, fields=fields)

    async def delete(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Delete a pool."""
        await self._done("number-pools delete", id=id)
