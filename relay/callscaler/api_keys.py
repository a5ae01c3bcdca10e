"""API keys; needs a key made by an admin or owner."""

from __future__ import annotations

from pydantic import SecretStr  # noqa: TC002 - the model is built with it

from relay.callscaler.resource import Resource
from relay.callscaler.thing import Rows, Thing


class ApiKey(Thing):
    """A key; its value is told once, when it is made, and never printed by accident."""

    id: str
    name: str | None = None
    key: SecretStr | None = None
    """Only in the answer to `create`; `.get_secret_value()` to keep it."""
    prefix: str | None = None
    created_at: str | None = None


class ApiKeys(Resource):
    """`client.api_keys`."""

    async def list(self, *, limit: int | None = None, offset: int | None = None) -> Rows[ApiKey]:
        """All keys, by prefix only."""
        return await self._listed("api-keys list", ApiKey, ("api_keys", "keys"), limit=limit, offset=offset)

    async def create(self, name: str) -> ApiKey:
        """Make a key; at most 10 may be active."""
        return await self._created("api-keys create", ApiKey, ("api_key",), name=name)

    async def revoke(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Make a key worthless at once."""
        await self._done("api-keys revoke", id=id)
