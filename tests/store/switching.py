"""What every ledger must remember of rules that were switched by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import SaidMode
from tests.store.ledger import NOW

if TYPE_CHECKING:
    from relay.store import Store

LIVE = SaidMode("Text back", "live", "shadow", NOW)


class Switching:
    async def test_the_last_word_on_a_rule_is_kept_through_a_restart(self, store: Store, reopen):
        await store.say_mode(LIVE)
        await store.say_mode(SaidMode("Archive", "off", "live", NOW + 1))
        await store.say_mode(SaidMode("Text back", "off", "shadow", NOW + 2))

        again = await reopen()
        assert await again.said_modes() == (
            SaidMode("Archive", "off", "live", NOW + 1),
            SaidMode("Text back", "off", "shadow", NOW + 2),
        )

    async def test_what_is_unsaid_is_gone_and_nothing_else(self, store: Store):
        await store.say_mode(LIVE)
        await store.say_mode(SaidMode("Archive", "off", "live", NOW))
        await store.unsay_modes(["Archive", "Never said"])
        assert await store.said_modes() == (LIVE,)
