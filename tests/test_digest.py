"""The weekly digest is one message, and its figures are what happened."""

from __future__ import annotations

import json

from relay.clock import tick_events
from relay.intake import merge
from relay.models import Owned
from relay.settings.recipes import read_recipe
from relay.settings.shipped import shipped
from relay.store import ForeignText
from tests.rules.reading import rule
from tests.rules.shop import DANA, EVE, OWN, Shop, at

SECOND = "+13125550143"


async def test_the_digest_tells_the_week_of_all_numbers_in_one_message():
    [written] = read_recipe(shipped("recipes/weekly-digest@2.yaml")).fill({"connector": "team"})
    del written["name"]
    digest = rule(json.dumps({key: value for key, value in written.items() if key != "when"}), when=written["when"])
    shop = Shop(digest, now="2026-02-20 10:00")
    await shop.store.save_numbers([Owned(OWN, "n1", name="Main line")])
    await shop.call("call.completed")  # more than a week before the digest
    shop.now = at("2026-02-25 10:00")
    for kind in ("call.completed", "call.completed", "call.completed", "call.missed"):
        await shop.call(kind)
    await shop.call("call.voicemail", tracking_number=SECOND, caller_number=EVE)
    await shop.call("call.missed", test=True)
    await shop.store.save_foreign_texts([ForeignText("f1", DANA, "312555", OWN, "On my way", shop.now)])
    shop.now = at("2026-03-02 08:00")
    [tick] = tick_events(digest, shop.now, shop.now)
    await shop.store.accept(tick, b"{}", merge)
    await shop.settle()
    [said] = shop.said("team")
    assert said.splitlines() == [
        "*Bright Plumbing, the last 7 days*: 5 calls, 60% answered, 1 missed, 1 voicemails; 1 texts out, 0 in",
        "Main line: 4 calls, 75% answered",
        f"{SECOND}: 1 call, 0% answered",
    ]
