"""A rule's move on the real sandbox, cut off at every step: the next try ends it, and undo knows what was before."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest

from connectors.callscaler import CallScalerConnector, CallScalerOptions
from relay.http import Http, Network
from relay.models import CALLSCALER
from relay.sandbox import Sandbox, SandboxSettings
from relay.worker import Channel
from tests.moving.office import KEY
from tests.rules.shop import OWN, Shop

RULE = "{name: Back, when: [call.missed], then: [{regroup: number, to: Sales}, {send: log, message: moved}]}"
RENAME = "{name: N, when: [call.missed], then: [{update_number: number, friendly_name: Front, call_flow: Night}]}"


class Fallen(BaseException):
    """The process is no more."""


class Outside(Shop):
    """A shop whose phone system is the sandbox."""

    async def open(self, several):
        self.sandbox = Sandbox(
            key=KEY, sample=False, clock=lambda: self.now, settings=SandboxSettings(several_groups=several)
        )
        self.sandbox.add_number(OWN, "Main", group="Parked", flow="Day")
        self.sandbox.add_number("+13125550143", "Other", group="Sales", flow="Night")
        await self.sandbox.start()
        self.http = Http(Network(allow=(ipaddress.ip_network("127.0.0.1/32"),), allow_http=True))
        options = CallScalerOptions.model_validate({"api_key": KEY, "base_url": f"{self.sandbox.url}/api/v1"})
        self.phone = CallScalerConnector(options, self.http)
        self.worker.channels = {**self.worker.channels, CALLSCALER: Channel(CALLSCALER, self.phone)}
        await self.store.save_numbers(await self.phone.owned(self.now))

    async def close(self):
        await self.http.close()
        await self.sandbox.stop()
        await self.store.close()

    async def fall_after(self, steps):
        """A life of this many requests and notes; answers whether it ended in a fall."""
        left = [steps]
        request, note = self.http.request, self.store.note_change

        def mortal(act):
            async def acting(*args, **more):
                for _ in range(2):
                    if left[0] == 0:
                        raise Fallen
                    left[0] -= 1
                    if _ == 0:
                        came = await act(*args, **more)
                return came

            return acting

        self.http.request, self.store.note_change = mortal(request), mortal(note)
        await self.settle()
        self.http.request, self.store.note_change = request, note
        return left[0] == 0


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("written", [RULE, RENAME])
async def test_a_rules_change_that_was_cut_off_anywhere_is_ended_by_the_next_start(several, written):
    falls, steps = 0, 0
    while True:
        shop = Outside(written)
        await shop.open(several)
        await shop.call()
        fell = await shop.fall_after(steps)
        if fell:
            falls += 1
            await shop.store.free_leases(now=shop.now, settle=120.0, everything=True)
            await shop.settle()
        number = shop.sandbox.number(OWN)
        [change] = await shop.store.number_changes(OWN)
        assert change.state == "done", f"cut off after {steps} steps"
        if written is RULE:
            assert (shop.sandbox.members("Parked"), OWN in shop.sandbox.members("Sales")) == ([], True)
            assert {one.number: one.group for one in await shop.store.numbers()}[OWN] == "Sales"
            assert [group["name"] for group in change.notes["before"]["groups"]] == ["Parked"]
            assert change.moved
            assert len(shop.said("log")) == 1
        else:
            assert (number["friendly_name"], number["call_flow_name"]) == ("Front", "Night")
            assert change.notes["before"]["friendly_name"] == "Main"
        await shop.close()
        steps += 1
        if not fell:
            break
    assert falls > 8


async def test_what_somebody_moved_since_the_rule_looked_is_left_and_reported():
    shop = Outside(RULE)
    await shop.open(several=False)
    await shop.call()
    shop.sandbox.put_into_group(OWN, "Night shift")
    await shop.settle()
    [moved, told] = [one for one in reversed(await shop.store.deliveries(limit=9)) if one.kind in {"regroup", "send"}]
    assert (str(moved.state), "somebody moved it" in moved.reason) == ("dead", True)
    assert str(told.state) == "cancelled"
    assert shop.sandbox.members("Night shift") == [OWN]
    shop.planner.book = replace(shop.planner.book, brakes=replace(shop.planner.book.brakes, enforce=True))
    await shop.store.retry([moved.id], now=shop.now)
    await shop.settle()
    assert OWN in shop.sandbox.members("Sales")
    await shop.close()
