"""The balance of the account and what was paid. There is nothing here that spends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices, Field

from relay.callscaler.answers import one, unwrap
from relay.callscaler.resource import Resource
from relay.callscaler.table import OPERATIONS
from relay.callscaler.thing import Thing, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Balance(Thing):
    """What is left on the account. The document says cents and does not name the field."""

    balance_cents: int | None = Field(
        None, validation_alias=AliasChoices("balance_cents", "balance", "current_balance", "amount_cents", "cents")
    )


class Transaction(Thing):
    """One line of the history; the documents do not list its fields."""

    id: str | None = None
    amount_cents: int | None = None
    created_at: str | None = None


class Billing(Resource):
    """`client.billing`."""

    async def balance(self) -> Balance:
        """The balance in cents."""
        body = await self._transport.ask("billing balance", {})
        bare = unwrap(body)
        told = {"balance_cents": bare} if isinstance(bare, int) else one(body, ("balance",))
        return read(OPERATIONS["billing balance"], Balance, told)

    def history(self, *, limit: int | None = None, offset: int | None = None) -> AsyncIterator[Transaction]:
        """All transactions; `limit` is rows a page, and only sent when given."""
        keys = ("transactions", "history")
        return self._rows("billing history", Transaction, keys, limit=limit, offset=offset)
