from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.hours import Business
from relay.models import CallerFacts, Delivery, Event, NumberFacts, State, TextFacts
from relay.rules import About, Facts, Ground, Rule, plan, ripen, schedule
from relay.rules.steps import GATES, RELAY, Step
from relay.rules.waits import Wait
from relay.texting import GO
from tests.rules.reading import rule
from tests.sized import sized

HOURS = Business.read("America/Chicago", {"daily": "08:00-18:00"})
NIGHT, DAY = 1772439000.0, 1772467200.0
"""Before opening and while open, on 2026-03-02."""


class Known:
    """A ledger that knows nothing."""

    def caller(self) -> CallerFacts:
        return CallerFacts()

    def number(self) -> NumberFacts:
        return NumberFacts()

    def text(self, *_: Any, **__: Any) -> TextFacts:
        return TextFacts()

    def ran(self, *_: Any) -> bool:
        return False


EVENT = Event(
    "evt_1",
    "callscaler",
    "call.missed",
    "c1",
    DAY,
    call={"direction": "inbound", "is_test": False, "outcome": "missed"},
    caller="+13125550101",
    number="+13125550142",
)

steps = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"send": st.sampled_from(["log", "team", "crm"]), "message": st.sampled_from(["a", "{{ call.flow }}"])},
            optional={"anyway": st.just("true"), "if": st.just({"call.flow": "Never"})},
        ),
        st.fixed_dictionaries(
            {"text": st.just("caller"), "body": st.just("hi")},
            optional={"anyway": st.just("true"), "if": st.just({"call.flow": "Never"})},
        ),
        st.fixed_dictionaries({"regroup": st.just("number"), "to": st.just("Parked")}),
        st.fixed_dictionaries(
            {"wait": st.sampled_from(["0", "2m", {"until": "10:00"}])},
            optional={"cancel_if": st.sampled_from([{"call.outcome": "missed"}, {"call.outcome": "answered"}])},
        ),
        st.fixed_dictionaries({"stop": st.just("enough")}, optional={"if": st.just({"call.flow": "Never"})}),
        st.fixed_dictionaries({"tag": st.just({"caller": "vip"})}),
    ),
    min_size=1,
    max_size=7,
).filter(lambda found: any("wait" not in step for step in found))


def named(found: list[dict[str, Any]], data: st.DataObject) -> list[dict[str, Any]]:
    """The same steps, some of which name the result of an earlier one."""
    ids: list[str] = []
    written = []
    for index, step in enumerate(found):
        entry = dict(step)
        if "send" in entry and ids and data.draw(st.booleans()):
            entry["message"] = f"{{{{ steps.{data.draw(st.sampled_from(ids))}.id | default('none') }}}}"
        if ("send" in entry or "text" in entry) and data.draw(st.booleans()):
            entry["id"] = f"s{index}"
            ids.append(entry["id"])
        written.append(entry)
    return written


class Play:
    """A run whose deliveries settle in whatever order is drawn."""

    def __init__(self, rule: Rule, event: Event, now: float) -> None:
        self.rule, self.event, self.now = rule, event, now
        self.run: dict[int, Delivery] = {}
        decided = plan([rule], event, self.facts(), self.ground(), lambda *_: GO)
        self.verdict = decided.verdicts[0]
        self.keep(decided.owed)

    def facts(self) -> Facts:
        return Facts(self.event, Known(), About("Bright Plumbing", HOURS), self.now)

    def ground(self) -> Ground:
        return Ground(self.now, HOURS, frozenset({"team"}))

    def keep(self, changed: Any) -> None:
        self.run |= {delivery.step: delivery for delivery in changed}
        self.check()

    def deliveries(self) -> list[Delivery]:
        return [self.run[step] for step in sorted(self.run)]

    def check(self) -> None:
        """Nothing below a gate that failed, or that is open, may ever be sent."""
        shut = False
        for step in self.rule.steps:
            if isinstance(step, Wait):
                continue
            delivery = self.run[step.index]
            gone = delivery.state in (State.DUE, State.SENDING, State.DELIVERED, State.SHADOW)
            assert not (shut and gone and not step.anyway), self.deliveries()
            if step.verb in GATES and not delivery.notes.get("absent"):
                shut = shut or delivery.state not in (State.DELIVERED, State.SHADOW)

    def go_on(self, data: st.DataObject) -> bool:
        """One thing happens: something due ends, or the clock runs to what waits. False when nothing is owed."""
        due = [d for d in self.deliveries() if d.state is State.DUE]
        moments = [
            d.due_at for d in self.deliveries() if d.state in (State.WAITING, State.HELD) and d.due_at is not None
        ]
        if due and (not moments or data.draw(st.booleans())):
            chosen = data.draw(st.sampled_from(due))
            self.now += data.draw(st.sampled_from([0.0, 1.0, 400.0]))
            ends = [State.DELIVERED, State.DEAD] + (
                [State.ABANDONED, State.SUPPRESSED] if chosen.kind == "text" else []
            )
            state = State.SHADOW if chosen.shadow else data.draw(st.sampled_from(ends))
            self.keep([chosen.moved(state, settled_at=self.now, receipt={"id": "x"})])
            self.keep(schedule(self.rule, self.deliveries(), self.deliveries()[0].born_at, self.ground()))
            return True
        if not moments:
            return False
        self.now = max(self.now, min(moments))
        ripe = next(d for d in self.deliveries() if d.due_at == min(moments) and d.state in (State.WAITING, State.HELD))
        self.keep(ripen(self.rule, self.deliveries(), ripe, self.facts(), self.ground()))
        return True


@settings(deadline=None, max_examples=sized(100, 1000))
@given(
    found=steps,
    mode=st.sampled_from(["live", "shadow"]),
    late=st.booleans(),
    hours=st.sampled_from(["ignore", "hold"]),
    now=st.sampled_from([NIGHT, DAY]),
    data=st.data(),
)
def test_every_delivery_of_a_run_ends_settled_in_whatever_order_gates_settle(
    found: list[dict[str, Any]], mode: str, late: bool, hours: str, now: float, data: st.DataObject
) -> None:
    read = rule("{}", then=named(found, data), mode=mode, guards={"hours": hours, "fresh": "9d"})
    play = Play(read, replace(EVENT, late=late, received_at=now), now)
    for _ in range(60):
        if not play.go_on(data):
            break
    assert all(delivery.state.settled for delivery in play.run.values()), play.deliveries()
    if mode == "shadow":
        assert not [d for d in play.run.values() if d.state is State.DELIVERED]
    if late:
        sent = [d for d in play.run.values() if d.state is State.DELIVERED and d.connector != RELAY]
        assert {(d.kind, d.connector) for d in sent} <= {("send", "log"), ("send", "crm")}


@given(found=steps, now=st.sampled_from([NIGHT, DAY]))
def test_no_step_is_due_before_its_waits_or_before_the_business_opens(found: list[dict[str, Any]], now: float) -> None:
    read = rule("{}", then=found, guards={"hours": "hold"})
    play = Play(read, replace(EVENT, received_at=now), now)
    opens = HOURS.opens_at(now)
    assert opens is not None
    for delivery in play.run.values():
        waited = sum(w.span or 0 for w in read.steps if isinstance(w, Wait) and w.index < delivery.step)
        assert delivery.due_at is None or delivery.due_at >= opens + waited
        assert delivery.first_due_at is None or delivery.first_due_at >= now + waited


def test_an_action_is_rendered_once_and_stays_as_it_is() -> None:
    read = rule("{then: [{send: log, message: 'at {{ now.hour }}'}]}")
    play = Play(read, EVENT, DAY)
    first = play.run[0]
    assert first.action == {"message": "at 10"}
    play.now += 7200
    held = first.moved(State.HELD, due_at=play.now)
    again = ripen(read, [held], held, play.facts(), play.ground())
    assert again[0].action == first.action


def test_a_step_remembers_its_place() -> None:
    read = rule("{then: [{wait: 1m}, {send: log, message: a}]}")
    assert isinstance(read.step(1), Step)
    assert [step.index for step in read.acting] == [1]
