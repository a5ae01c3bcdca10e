"""Doing again: from the step that died or from the start, as late, once, and never more than the guards allow."""

from dataclasses import replace

import pytest

from relay.errors import Invalid, Rejected
from relay.models import State
from relay.replay import NothingSuch, Replay, Which
from relay.rules.replaying import Wish
from tests.working import Phone, Service, made

TEXT = {"text": "caller", "body": "Sorry we missed you."}
SEND = {"send": "desk", "message": "{{ call.id }}"}


async def nothing_older(_):
    """Every rule is in force."""


@pytest.fixture
def world(ledger, clock):
    def make(then, **services):
        it = made(ledger, clock, then, services)
        it.replay = Replay(ledger, it.planner, clock, nothing_older, lambda: it.worker.channels)
        return it

    return make


async def died(world, then, **services):
    """A world in which one call came in and everything was tried that could be."""
    it = world(then, **services)
    await it.ring()
    for _ in range(5):
        await it.later(60)
    return it


async def do(it, wish=Wish(), *, whole=False, dry_run=False, **which):  # noqa: B008 - frozen
    act = it.replay.whole if whole else it.replay.dead
    came = await act(Which(**which), wish, dry_run=dry_run)
    await it.work()
    return came


def rings(it, name="desk"):
    it.planner.book = replace(it.planner.book, rings_people=frozenset({name}))


async def states(it):
    return [(d.kind, str(d.state)) for d in reversed(await it.ledger.deliveries(limit=99))]


async def test_what_died_goes_on_under_its_old_key_and_a_second_click_finds_nothing(world):
    desk = Service(Rejected("no"))
    it = await died(world, [SEND], desk=desk)
    assert (await do(it)).deliveries == [desk.jobs[0].key]
    assert (await do(it)).deliveries == []
    assert {job.key for job in desk.jobs} == {desk.jobs[0].key}
    assert (len(desk.jobs), (await it.only()).state) == (2, State.DELIVERED)


async def test_only_what_is_asked_for_is_done_again(world, clock):
    it = world([SEND], desk=Service(*[Rejected("no")] * 3))
    for _ in range(3):
        await it.ring()
        await it.later(60)
    events = [event.id for event in reversed(await it.ledger.events(limit=9))]
    assert len((await do(it, event=events[1])).deliveries) == 1
    assert (await do(it, connector="crm")).deliveries == []
    assert (await do(it, rule="another")).deliveries == []
    assert (await do(it, since=clock())).deliveries == []
    assert len((await do(it, since=clock() - 61, dry_run=True)).deliveries) == 1
    assert len((await do(it, rule="rule")).deliveries) == 2


async def test_a_dry_run_changes_nothing(world):
    it = await died(world, [SEND], desk=Service(Rejected("no")))
    before = await it.only()
    assert len((await do(it, dry_run=True)).deliveries) == 1
    assert len((await do(it, whole=True, dry_run=True)).deliveries) == 1
    assert await it.only() == before
    assert len(await it.ledger.verdicts(before.event)) == 1


async def test_what_rings_people_stays_dead_unless_the_step_says_late(world):
    it = await died(world, [SEND], desk=Service(Rejected("no")))
    rings(it)
    assert list((await do(it)).left) == ["late: its connector rings people; `relay retry` sends it all the same"]
    assert (await it.only()).state is State.DEAD


async def test_a_step_that_says_late_rings_people_all_the_same(world):
    it = await died(world, [{**SEND, "late": "true"}], desk=Service(Rejected("no")))
    rings(it)
    assert len((await do(it)).deliveries) == 1
    assert (await it.only()).state is State.DELIVERED


async def test_a_text_goes_only_where_asked_and_then_what_was_called_off_below_it_goes_too(world):
    phone, desk = Phone(*[Invalid("answered 422", grace=3)] * 3), Service()
    it = await died(world, [TEXT, SEND], phone=phone, desk=desk)
    assert await states(it) == [("text", "dead"), ("send", "cancelled")]
    assert list((await do(it)).left) == ["a text: --texts lets it go, if every guard still does"]
    assert len((await do(it, Wish(texts=True))).deliveries) == 1
    assert await states(it) == [("text", "delivered"), ("send", "delivered")]
    assert len(phone.jobs) == 4


async def test_a_text_that_is_too_old_by_now_is_explained_and_not_sent(world):
    phone = Phone(*[Invalid("answered 422", grace=3)] * 3)
    it = await died(world, [TEXT], phone=phone)
    it.clock.now += 3600
    await do(it, Wish(texts=True))
    found = await it.only()
    assert (found.state, found.reason) == (State.SUPPRESSED, "not sent within 30m of falling due")
    assert len(phone.jobs) == 3


async def test_somebody_who_was_texted_since_is_not_texted_by_a_replay(world):
    phone = Phone(*[Invalid("answered 422", grace=3)] * 3)
    it = await died(world, [TEXT], phone=phone)
    await it.ring()
    await it.work()
    assert len(phone.jobs) == 4
    await do(it, Wish(texts=True))
    assert len(phone.jobs) == 4
    assert sorted(state for _, state in await states(it)) == ["delivered", "suppressed"]


async def test_a_whole_event_is_done_again_beside_what_was_done_and_twice_is_once(world):
    desk = Service()
    it = await died(world, [SEND], desk=desk)
    [event] = [event.id for event in await it.ledger.events(limit=9)]
    assert len((await do(it, whole=True, event=event)).deliveries) == 1
    assert (await do(it, whole=True, event=event)).deliveries == []
    first, second = (job.key for job in desk.jobs)
    assert second == f"{first}-r1"
    assert [v.why for v in await it.ledger.verdicts(event)] == ["", "replayed"]
    it.clock.now += 61
    assert (await do(it, whole=True, event=event)).deliveries == [f"{first}-r2"]
    assert (await it.ledger.balance()).wrong is None


async def test_a_whole_event_rings_nobody_and_texts_nobody(world):
    desk, phone = Service(), Phone()
    it = await died(world, [SEND, TEXT, {"wait": "1m"}, {**SEND, "message": "below"}], phone=phone, desk=desk)
    await it.later(120)
    assert (len(desk.jobs), len(phone.jobs)) == (2, 1)
    rings(it)
    it.clock.now += 86400
    came = await do(it, whole=True, event="last")
    await it.later(600)
    assert (len(desk.jobs), len(phone.jobs)) == (2, 1)
    assert came.deliveries == []
    assert sum(came.left.values()) == 1  # the whole rule: it texts, and the call is no longer fresh


async def test_lateness_outlives_a_wait(world):
    desk = Service()
    it = await died(world, [{"wait": "1m"}, SEND], desk=desk)
    assert len(desk.jobs) == 1
    rings(it)
    assert len((await do(it, whole=True, event="last")).deliveries) == 1
    await it.later(120)
    assert len(desk.jobs) == 1
    newest, _ = await it.ledger.deliveries(limit=9)
    assert (newest.state, newest.reason[:5]) == (State.SUPPRESSED, "late:")


async def test_the_wording_is_that_of_then_or_of_today(world):
    desk = Service(*[Rejected("no")] * 2)
    it = await died(world, [SEND], desk=desk)
    for _ in range(2):
        await it.ring()
        await it.work()
    old = it.planner.book
    new = made(it.ledger, it.clock, [{"send": "desk", "message": "new {{ call.id }}"}], {}).planner.book.rules[0]
    new = replace(new, version="v2")
    it.planner.book = replace(old, rules=(new,), old={"v1": old.rules[0]})
    first, second, third = [event.id for event in reversed(await it.ledger.events(limit=9))]
    await do(it, event=first)
    await do(it, Wish(today=True), event=second)
    await do(it, Wish(today=True), whole=True, event=first)
    it.clock.now += 61
    await do(it, Wish(), whole=True, event=third)
    assert [job.action.message for job in desk.jobs[3:]] == ["c1", "new c2", "new c1", "c3"]


async def test_a_step_that_is_no_longer_in_the_rule_stays_dead_with_the_reason(world):
    it = await died(world, [SEND], desk=Service(Rejected("no")))
    other = made(it.ledger, it.clock, [{"send": "other"}], {"other": Service()}).planner.book.rules[0]
    it.planner.book = replace(it.planner.book, rules=(replace(other, version="v2"),))
    assert list((await do(it, Wish(today=True))).left) == ["the rule no longer has this step"]
    it.planner.book = replace(it.planner.book, rules=())
    assert list((await do(it)).left) == ["its rule is not known any more"]


async def test_what_is_not_there_is_told(world):
    it = world([SEND])
    with pytest.raises(NothingSuch, match="no event evt_none"):
        await do(it, event="evt_none")
    await it.ring()
    with pytest.raises(NothingSuch, match="no rule `x`"):
        await do(it, whole=True, event="last", rule="x")
