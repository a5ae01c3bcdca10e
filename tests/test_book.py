"""Decisions are values. That what is decided stays the same once they are carried, every test of rules shows (Shop)."""

from __future__ import annotations

import re
from dataclasses import fields

from relay.book import Book, Following, Judging, Moment
from tests.carried import carried
from tests.rules.shop import DANA, OWN, Shop

BACK = "{name: Back, then: [{text: caller, body: 'hi {{ caller.name | default(\"you\") }}'}]}"


def told(value):
    """All that it says of itself, with its sets in an order of their own: theirs changes with every process."""
    return re.sub(r"\{('[^{}]*)\}", lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", repr(value))


async def test_a_book_is_carried_whole():
    book = Shop(BACK).book
    other = carried(book)
    for each in fields(Book):
        assert told(getattr(other, each.name)) == told(getattr(book, each.name))
    assert other.rules[0].version == book.rules[0].version


async def test_two_decisions_on_what_follows_are_one_where_their_book_is():
    here, there = Shop(BACK).book, Shop(BACK).book
    assert {Following(here, 1.0), Following(here, 2.0), Following(there, 1.0)} == {
        Following(here, 3.0),
        Following(there, 3.0),
    }
    one, other = carried([Following(here, 1.0), Following(here, 2.0)])
    assert one == other


async def test_what_is_judged_tells_what_became_of_each_rule():
    shop = Shop(BACK, "{name: Never, if: {caller.number: missing}, then: [{send: log, message: hi}]}")
    event = await shop.store.event(await shop.call(plan=False))
    assert event is not None
    judging = Judging(shop.book, Moment(shop.now))
    await shop.store.plan(judging, now=shop.now, config="v1", windows=shop.book.policy.windows, prefix=len, limit=1)
    assert judging.notes[event.id].said == (("Back", "ran"), ("Never", "skipped"))


async def test_a_sender_that_is_blocked_is_known_where_it_is_decided():
    shop = Shop(BACK)
    shop.planner.blocks.hold(OWN, "not registered", now=shop.now)
    event = await shop.call(caller_number=DANA)
    await shop.settle()
    assert (await shop.steps(event), shop.texts) == (["held"], [])
    shop.planner.blocks.clear(OWN)
    await shop.run()
    assert shop.texts == [DANA]
