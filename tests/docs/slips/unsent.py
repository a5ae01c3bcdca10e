"""Why something is not sent that somebody new waits for."""

from __future__ import annotations

import time

from relay.intake import Intake
from relay.metrics import Metrics
from tests.docs.newcomer import PROVED, ledger_of, phone_system, source, texted
from tests.docs.slips.provoked import says
from tests.texted import worlds

OURS, MUTE = "+13125550142", "+13125550147"


@says("cannot be live: its `text` needs the CallScaler API; set CALLSCALER_API_KEY")
async def promoted_without_a_key(new):
    return await new.type("live", "Text back missed callers")


@says("cannot be written: a part of that path is a file; name a folder")
async def a_backup_to_nowhere(new):
    async with ledger_of(new):
        pass
    return await new.type("backup", str(new.file / "below"))


@says("nothing came in yet: `relay serve` makes …relay.db on its first start")
async def no_ledger(new):
    return await new.type("why", "last")


@says("cannot send texts: enable and register it for texting in CallScaler")
async def a_number_that_is_not_registered(new):
    async with phone_system(new) as sandbox:
        return await texted(sandbox, MUTE)


@says("the balance is too low; top it up in CallScaler")
async def an_empty_balance(new):
    async with phone_system(new) as sandbox:
        sandbox.set_balance(0)
        return await texted(sandbox, OURS)


@says("the phone system refuses the key: nothing is texted, fetched or regrouped")
async def a_key_that_was_revoked(_):
    async with worlds() as make:
        world, told = await make(), []
        world.replies._alarm = told.append
        world.sandbox._world.state.run("UPDATE api_keys SET revoked_at = 1")
        await world.replies.step()
        return told[0].what


@says("the event could not be written down; send it again")
async def a_ledger_that_stops(new):
    async with ledger_of(new) as ledger:
        intake = Intake(ledger, time.time, Metrics())
        await ledger.close()
        reply = await intake.webhook(source(), [*PROVED.items()], b'{"event": "call.missed", "call_id": "c-1"}', "")
        return f"{reply.status} {reply.detail}"
