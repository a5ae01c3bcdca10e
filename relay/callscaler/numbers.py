"""Tracking numbers: list, search, buy, name, release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.callscaler.incoming import CSV_CAP, download
from relay.callscaler.resource import Resource
from relay.callscaler.thing import Rows, Thing
from relay.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from relay.callscaler.incoming import Sink


class Number(Thing):
    """One of the account's numbers. Fields from `name` on are in a newer copy of the document only."""

    id: str
    phone_number: str | None = None
    """E.164."""
    friendly_name: str | None = None
    type: str | None = None
    """local …"""
    call_flow_id: str | None = None
    call_flow_name: str | None = None
    group_id: str | None = None
    group_name: str | None = None
    status: str | None = None
    """active …"""
    created_at: str | None = None
    name: str | None = None
    number_source: str | None = None
    """owned …"""
    total_calls: int | None = None
    sms_enabled: bool | None = None
    tcr_sw_state: str | None = None
    """approved …"""

    @property
    def label(self) -> str | None:
        """What people call it: `friendly_name`, which newer answers call `name`."""
        return self.friendly_name or self.name


class AvailableNumber(Thing):
    """A number for sale; it has no id yet."""

    phone_number: str
    friendly_name: str | None = None
    region: str | None = None
    iso_country: str | None = None
    number_type: str | None = None
    capabilities: dict[str, bool] | None = None
    """voice, sms, mms."""


class NumberStats(Thing):
    """Figures for one number or for all; the documents do not name them, so all are in `model_extra`."""


class Numbers(Resource):
    """`client.numbers`."""

    async def list(self, *, limit: int | None = None, offset: int | None = None) -> Rows[Number]:
        """All numbers; `limit` is rows a page, and only sent when given."""
        return await self._listed("numbers list", Number, ("numbers",), limit=limit, offset=offset)

    async def get(self, id: str) -> Number:  # noqa: A002 - the API's own name
        """One number. Newer servers have no such path: on 404 it is looked up in the list."""
        try:
            return await self._one("numbers get", Number, ("number",), id=id)
        except NotFound:
            for number in await self.list():
                if number.id == id:
                    return number
            raise

    async def search(self, area_code: str) -> Rows[AvailableNumber]:
        """Numbers for sale."""
        keys = ("numbers", "available_numbers", "results")
        return await self._found("numbers search", AvailableNumber, keys, area_code=area_code)

    async def purchase(
        self, phone_number: str, friendly_name: str | None = None, call_flow_id: str | None = None
    ) -> Number:
        """Buy a number that a search has shown. Costs money; the body is not documented."""
        return await self._created(
            "numbers purchase",
            Number,
            ("number",),
            phone_number=phone_number,
            friendly_name=friendly_name,
            call_flow_id=call_flow_id,
        )

    async def update(
        self,
        id: str,  # noqa: A002 - the API's own name
        friendly_name: str | None = None,
        call_flow_id: str | None = None,
        status: str | None = None,
    ) -> Number:
        """Change what is given and leave the rest; `status` is in a newer copy of the document only."""
        return await self._one(
            "numbers update",
            Number,
            ("number",),
            id=id,
            friendly_name=friendly_name,
            call_flow_id=call_flow_id,
            status=status,
        )

    async def release(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Give the number back, for good."""
        await self._done("numbers release", id=id)

    async def export(self, to: Path | Sink, *, progress: Callable[[int, int | None], None] | None = None) -> int:
        """All numbers as CSV into a file; returns its bytes."""
        return await download(self._transport, "numbers export", {}, to, cap=CSV_CAP, progress=progress)

    async def bulk_stats(self) -> NumberStats:
        """Figures for all numbers."""
        return await self._one("numbers bulk-stats", NumberStats, ("stats",))

    async def stats(self, id: str) -> NumberStats:  # noqa: A002 - the API's own name
        """Figures for one number."""
        return await self._one("numbers stats", NumberStats, ("stats",), id=id)
