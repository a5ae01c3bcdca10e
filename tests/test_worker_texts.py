"""Texts on their way out: never twice, and none whose sender could not be asked."""

import asyncio
from dataclasses import replace

import pytest

from relay.connector import Receipt
from relay.errors import RateLimited, Unavailable, Unclear
from relay.models import CALLSCALER, State
from relay.store import ForeignText
from relay.texting import SentText
from relay.worker import fate
from tests.patience import PATIENCE
from tests.working import ANN, OURS, Phone, made


@pytest.fixture
def world(ledger, clock):
    return lambda then, **services: made(ledger, clock, then, services)


TEXT = [{"text": "caller", "body": "Sorry we missed you."}]


def sent(name, to=ANN, body="Sorry we missed you.", at=None):
    return SentText(name, to, OURS, body, at)


@pytest.mark.parametrize("outcome", [Unclear("500"), ValueError("html"), KeyError("id"), ConnectionResetError(), None])
async def test_an_ambiguous_answer_to_a_text_is_never_followed_by_a_second_text(world, outcome):
    phone = Phone(outcome)
    it = world(TEXT, phone=phone)
    await it.ring()
    await it.work()
    assert (await it.only()).state is State.UNKNOWN
    for _ in range(9):
        await it.later(600)
    assert len(phone.jobs) == 1
    assert (await it.only()).state is State.ABANDONED


async def test_a_text_of_unknown_fate_is_found_in_the_list_of_texts(world):
    phone = Phone(Unclear("reset"))
    it = world(TEXT, phone=phone)
    await it.ring()
    await it.work()
    phone.lists = [[sent("t1", to="+13125550109"), sent("t2", body="other"), sent("t3", at=it.clock())]]
    await it.later(119)
    assert (await it.only()).state is State.UNKNOWN
    await it.later(2)
    found = await it.only()
    assert (found.state, found.receipt) == (State.DELIVERED, {"id": "t3"})
    assert [text["provider_id"] for text in await it.ledger.texts(limit=9)] == ["t3"]


async def test_two_texts_of_the_same_words_are_not_settled_by_one_entry_of_the_list(world):
    phone = Phone(Unclear("reset"), Unclear("reset"))
    it = world([{"text": "+13125550199", "body": "Call!", "from": OURS}], phone=phone)
    await it.ring()
    await it.ring()
    await it.work()
    phone.lists = [[sent("t1", to="+13125550199", body="Call!", at=it.clock())]]
    await it.later(200)
    assert await it.ledger.states() == {"delivered": 1, "abandoned": 1}


@pytest.mark.parametrize("lists", [[Unavailable("503")], [ValueError("html")], [[], [sent("t1")]]])
async def test_a_list_that_cannot_be_believed_settles_nothing_yet(world, lists):
    phone = Phone(Unclear("reset"))
    it = world(TEXT, phone=phone)
    await it.ring()
    await it.work()
    phone.lists = [*lists]
    await it.later(121)
    assert (await it.only()).state is State.UNKNOWN
    phone.lists = [[sent("t1")]]
    await it.later(60)
    assert (await it.only()).state is State.DELIVERED


@pytest.mark.parametrize("outcome", [RateLimited("429", retry_after=5.0), Unavailable("no connection")])
async def test_a_text_that_provably_did_not_leave_is_sent_later(world, outcome):
    phone = Phone(outcome)
    it = world(TEXT, phone=phone)
    await it.ring()
    await it.work()
    await it.later(30)
    assert len(phone.jobs) == 2
    assert (await it.only()).state is State.DELIVERED


async def test_a_text_under_way_when_the_process_ends_is_unknown_afterwards(world, until):
    phone = Phone(hold=asyncio.Event())
    it = world(TEXT, phone=phone)
    it.worker.channels = {CALLSCALER: replace(it.worker.channels[CALLSCALER], timeout=60.0, lease=90.0)}
    await it.ring()
    await it.worker.turn()
    await until(lambda: phone.jobs)
    await it.ledger.free_leases(now=it.clock(), settle=120.0, everything=True)
    phone.hold.set()
    await it.worker.idle()
    assert (await it.only()).state is State.UNKNOWN
    await it.later(300)
    assert len(phone.jobs) == 1


async def test_a_relay_that_stood_still_after_a_claim_leaves_the_text_to_the_next_claim(world):
    phone = Phone()
    it = world(TEXT, phone=phone)
    times = iter([0.0, 1000.0])
    it.worker._ticks = lambda: next(times, 1000.0)
    await it.ring()
    await it.worker.turn()
    await it.worker.idle()
    assert (phone.jobs, (await it.only()).state) == ([], State.DUE)
    await it.later(31)
    assert len(phone.jobs) == 1


async def test_a_connector_is_told_when_its_claim_is_over(world):
    phone = Phone()
    it = world(TEXT, phone=phone)
    elapsed = [0.0]
    it.worker._ticks = lambda: elapsed[-1]
    await it.ring()
    await it.work()
    [job] = phone.jobs
    window = it.worker.channels[CALLSCALER].window
    assert window == 30.0 - 15.0
    elapsed.append(window)
    assert job.in_time()
    elapsed.append(window + 0.1)
    assert not job.in_time()


async def test_a_list_that_hangs_is_given_up_while_its_texts_are_still_held(world, monkeypatch):
    assert 2 * fate._PATIENCE < fate.LEASE, "it is read twice"
    monkeypatch.setattr(fate, "_PATIENCE", 0.05)
    phone = Phone(Unclear("reset"))
    phone.sent_texts = lambda _: asyncio.Event().wait()
    it = world(TEXT, phone=phone)
    await it.ring()
    await it.work()
    await asyncio.wait_for(it.later(121), PATIENCE)
    text = await it.only()
    assert (text.state, text.due_at) == (State.UNKNOWN, it.clock() + fate._AGAIN)
    assert text.reason.startswith("not settled yet: TimeoutError")
    assert len(phone.jobs) == 1


async def test_one_look_at_the_list_settles_all_texts_of_unknown_fate(world):
    phone = Phone(*[Unclear("reset")] * 3)
    it = world([{"text": "+13125550199", "body": "Call!", "from": OURS}], phone=phone)
    for _ in range(3):
        await it.ring()
    await it.work()
    entries = [sent(f"t{n}", to="+13125550199", body="Call!", at=it.clock()) for n in range(3)]
    phone.lists = [entries, entries, Unavailable("read too often")]
    await it.later(200)
    assert await it.ledger.states() == {"delivered": 3}


async def test_an_old_text_to_the_same_person_answers_for_no_other(world, ledger):
    phone = Phone(Receipt(id="t1"), Unclear("reset"))
    it = world([{"text": "+13125550199", "body": "Call!", "from": OURS}], phone=phone)
    await it.ring()
    await it.ring()
    await it.work()
    others = [ForeignText(f"o{n}", f"+1312556{n:04}", "+1312", OURS, "Call!", it.clock() + 1) for n in range(1001)]
    await ledger.save_foreign_texts(others)
    phone.lists = [[sent("t1", to="+13125550199", body="Call!", at=it.clock())]]
    await it.later(121)
    assert await it.ledger.states() == {"delivered": 1, "abandoned": 1}


async def test_what_falls_due_while_the_list_is_read_waits_for_the_next_look_at_it(world, until):
    phone = Phone(*[Unclear("reset")] * 2)
    it = world([{"text": "+13125550199", "body": "Call!", "from": OURS}], phone=phone)
    await it.ring()
    await it.work()
    it.clock.now += 60
    await it.ring()
    await it.work()
    read, go = [], asyncio.Event()
    entries = [sent(f"t{n}", to="+13125550199", body="Call!", at=it.clock()) for n in range(2)]

    async def slowly(since):
        read.append(since)
        await go.wait()
        return entries

    phone.sent_texts = slowly
    it.clock.now += 61
    await it.worker.turn()
    await until(lambda: read)
    it.clock.now += 59.5
    assert await it.worker.turn() == 0
    assert len(read) == 1, "the list is read by one at a time"
    assert await it.worker._pause(busy=False) > 1, "and nobody looks again and again meanwhile"
    go.set()
    await it.worker.idle()
    assert await it.ledger.states() == {"delivered": 1, "unknown": 1}
    await it.work()
    assert await it.ledger.states() == {"delivered": 2}


async def test_a_look_at_the_list_that_told_nothing_is_repeated_that_long_after_it_ended(world):
    phone = Phone(Unclear("reset"))
    it = world(TEXT, phone=phone)

    async def late(_):
        it.clock.now += 40
        raise Unavailable("too slow")

    phone.sent_texts = late
    await it.ring()
    await it.work()
    await asyncio.wait_for(it.later(121), PATIENCE)
    assert (await it.only()).due_at == it.clock() + fate._AGAIN


ASKED = [{"wait": "2m", "cancel_if": {"caller.answered_since": "true"}}, *TEXT]


UNSAID = "the phone system could not say whether they were answered, so the ledger's word stood: "
ASKED_WORDS = {
    "True": "the phone system says they were answered",
    "False": "the phone system says they were not answered",
    "timeout": f"{UNSAID}timeout",
    "html": f"{UNSAID}ValueError: html",
}


@pytest.mark.parametrize(
    ("answered", "texts"), [(True, 0), (False, 1), (Unavailable("timeout"), 1), (ValueError("html"), 1)]
)
async def test_the_phone_system_is_asked_once_whether_somebody_was_answered(world, answered, texts):
    phone = Phone(answered=answered)
    it = world(ASKED, phone=phone)
    await it.ring()
    began = it.clock()
    await it.later(121)
    assert phone.asked == [(ANN, began)]
    assert len(phone.jobs) == texts
    said = (await it.only()).notes["asked"]
    assert said == ASKED_WORDS[str(answered)]


async def test_nobody_is_asked_about_a_text_that_is_held(world):
    phone = Phone()
    it = world(ASKED, phone=phone)
    await it.ring()
    began = it.clock()
    await it.ledger.switch_texts(off=True)
    await it.later(121)
    for _ in range(3):
        await it.later(60)
    assert (phone.asked, (await it.only()).reason) == ([], "texts are switched off")
    await it.ledger.switch_texts(off=False)
    await it.later(60)
    assert (phone.asked, len(phone.jobs)) == ([(ANN, began)], 1)


@pytest.mark.parametrize(("mode", "words"), [("off", "off"), ("shadow", "in shadow")])
async def test_a_text_of_a_rule_that_was_switched_while_it_waited_does_not_go(world, mode, words):
    phone = Phone()
    it = world([{"wait": "1m"}, *TEXT], phone=phone)
    await it.ring()
    it.planner.book = replace(it.planner.book, rules=tuple(replace(rule, mode=mode) for rule in it.planner.book.rules))
    await it.later(61)
    left = await it.only()
    assert (phone.jobs, left.state, left.reason) == ([], State.SUPPRESSED, f"mode: the rule is {words} by now")


async def test_a_text_of_a_rule_that_is_gone_goes_as_it_was_planned(world):
    phone = Phone()
    it = world([{"wait": "1m"}, *TEXT], phone=phone)
    await it.ring()
    book = it.planner.book
    it.planner.book = replace(book, rules=(), old={rule.version: replace(rule, mode="off") for rule in book.rules})
    await it.later(61)
    assert ((await it.only()).state, len(phone.jobs)) == (State.DELIVERED, 1)


async def test_nobody_is_asked_where_no_cancel_if_names_it(world):
    phone = Phone()
    it = world([{"wait": "1m"}, *TEXT], phone=phone)
    await it.ring()
    await it.later(61)
    assert (phone.asked, len(phone.jobs)) == ([], 1)


async def test_a_text_that_cannot_be_judged_is_given_up_on_and_holds_up_nobody(world):
    phone = Phone()
    it = world(TEXT, phone=phone)
    await it.ring()

    it.planner.book = replace(it.planner.book, policy=replace(it.planner.book.policy, quiet=None))
    for _ in range(5):
        await it.later(60)
    found = await it.only()
    assert (found.state, phone.jobs) == (State.DEAD, [])
    assert "could not be judged" in found.reason
