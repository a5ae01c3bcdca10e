"""What every resource of the API can do with the transport: ask for one thing, for many, or for a deed to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from relay.callscaler.answers import Page, one, page
from relay.callscaler.paging import by_offset
from relay.callscaler.table import OPERATIONS
from relay.callscaler.thing import Thing, read
from relay.errors import Unclear

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from relay.callscaler.transport import Transport

T = TypeVar("T", bound=Thing)


class Resource:
    """One attribute of the client.

    Every method raises what the transport raises: Rejected (Unauthorized, Forbidden, NotFound, Invalid) when asking
    again cannot help, Unavailable (RateLimited) when it can, Unclear when something may have happened.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def _one(self, name: str, model: type[T], keys: tuple[str, ...], /, **values: Any) -> T:
        """One thing that is there, or one just changed: its id is known even if the answer does not repeat it."""
        body = await self._transport.ask(name, values)
        told = dict(one(body, keys))
        if values.get("id") is not None:
            told.setdefault("id", values["id"])
        return read(OPERATIONS[name], model, told)

    async def _created(self, name: str, model: type[T], keys: tuple[str, ...], /, **values: Any) -> T:
        """A thing that was just made.

        Raises:
            Unclear: a 2xx that names no id proves nothing.
        """
        told = one(await self._transport.ask(name, values), keys)
        if not told.get("id"):
            raise Unclear(f"{OPERATIONS[name].address}: answered without an id; look before asking again")
        return read(OPERATIONS[name], model, told)

    async def _done(self, name: str, /, **values: Any) -> None:
        """Something done whose answer says nothing more."""
        await self._transport.ask(name, values)

    async def _page(self, name: str, keys: tuple[str, ...], values: Mapping[str, Any]) -> Page:
        return page(OPERATIONS[name], await self._transport.ask(name, values), keys)

    async def _rows(self, name: str, model: type[T], keys: tuple[str, ...], /, **values: Any) -> AsyncIterator[T]:
        """All rows of a listing that goes by offset, if it is paged at all."""

        async def ask(asked: Mapping[str, Any]) -> Page:
            return await self._page(name, keys, asked)

        async for found in by_offset(ask, values):
            for row in found.rows:
                yield read(OPERATIONS[name], model, row)

    async def _listed(self, name: str, model: type[T], keys: tuple[str, ...], /, **values: Any) -> list[T]:
        """All rows of a listing that is short enough to be held."""
        return [row async for row in self._rows(name, model, keys, **values)]

    async def _found(self, name: str, model: type[T], keys: tuple[str, ...], /, **values: Any) -> list[T]:
        """The rows of one answer that is never paged."""
        found = await self._page(name, keys, values)
        return [read(OPERATIONS[name], model, row) for row in found.rows]
