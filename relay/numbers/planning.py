"""A plan: which numbers would move, and why; which are held, and by what. Pure, one number after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.errors import TemplateError
from relay.models import BusinessFacts, CallerFacts, Counted, Event, MoveFacts, NumberFacts, TextFacts
from relay.numbers.brakes import BAN, Brakes, Wanted, flaps, in_group, stands
from relay.numbers.groups import Declared, choose
from relay.rules import CLOCK, TICK, Facts, say_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from relay.models import PastMove
    from relay.rules import About, Approval, Rule

GROUPS = "groups"
"""What wants a move that no rule wants: the section of that name."""


@dataclass(frozen=True, slots=True)
class Move:
    """A number that would move."""

    number: str
    source: str | None
    """The group that it is in; None for none."""
    to: str
    because: str
    by: str
    """The rule's name; empty for a declared group."""
    create: bool = False
    approval: Approval | None = None
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A number that would move, if nothing held it."""

    number: str
    because: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A number as it stands: what the ledger knows of it, and what the phone system says."""

    facts: NumberFacts
    groups: tuple[str, ...] | None = None
    """Every group that it is in, in the order of their names; None where only `facts.owned.group` is known."""
    last: PastMove | None = None
    flaps: int = 0
    under_way: bool = False
    counted: Counted | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What was found, in the order of the numbers."""

    moves: tuple[Move, ...]
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made on: the groups and rules in force, the brakes, the business."""

    groups: Sequence[Declared]
    rules: Sequence[Rule]
    """Those that look at each number by the clock, and move it."""
    brakes: Brakes
    about: About
    uncounted: str | None = None
    """Why the phone system's own figures are missing where they are asked for."""


def plan(standings: Iterable[Standing], ground: Ground, now: float) -> Planned:
    """What would become of each number now, Unix seconds; of the numbers, only those that would move are kept."""
    moves: list[Move] = []
    held: list[Held] = []
    for standing in standings:
        if standing.facts.owned is None:
            continue
        decided = _decide(standing, ground, now)
        if isinstance(decided, Move):
            moves.append(decided)
        elif decided is not None:
            held.append(decided)
    return Planned(tuple(moves), tuple(held))


@dataclass(frozen=True, slots=True)
class _Wish:
    to: str
    because: str
    by: str
    window: float
    create: bool = False
    approval: Approval | None = None
    shadow: bool = False


def _decide(standing: Standing, ground: Ground, now: float) -> Move | Held | None:
    owned = standing.facts.owned
    if owned is None:
        return None
    wishes = [wish for wish in _wishes(standing.facts, ground, now) if not _is_there(wish.to, standing)]
    live = [wish for wish in wishes if not wish.shadow]
    if not wishes:
        return None
    if not live:
        return Held(owned.number, f"shadow: {wishes[0].by} would move it to {wishes[0].to}: {wishes[0].because}")
    if len({wish.to for wish in live}) > 1:
        said = ", ".join(f"{wish.by or GROUPS} to {wish.to}" for wish in live)
        return Held(owned.number, f"they do not agree: {said}")
    wish = live[0]
    if _fits_elsewhere(standing.facts, ground, now, wish):
        other = choose(ground.groups, _facts(standing.facts, ground, now))
        into = "none" if other is None else other[0].name
        return Held(owned.number, f"they do not agree: {wish.by} to {wish.to}, {GROUPS} to {into}")
    why = _held_by(standing, wish, ground, now)
    if why is not None:
        return Held(owned.number, f"{why} (would move to {wish.to}: {wish.because})")
    return Move(
        owned.number, owned.group, wish.to, wish.because, wish.by, wish.create, wish.approval, counts=wish.window > 0
    )


def moved_by_hand(standing: Standing) -> bool:
    """Whether somebody put a number elsewhere since the relay moved it last."""
    owned, last = standing.facts.owned, standing.last
    return owned is not None and last is not None and owned.group != last.to


def _is_there(to: str, standing: Standing) -> bool:
    owned = standing.facts.owned
    groups = standing.groups if standing.groups is not None else (owned.group,) if owned and owned.group else ()
    return groups == (to,)


def _fits_elsewhere(known: NumberFacts, ground: Ground, now: float, wish: _Wish) -> bool:
    """Whether the declared groups would keep a number that a rule wants to move: where it is, it is as declared."""
    if not wish.by or not ground.groups:
        return False
    chosen = choose(ground.groups, _facts(known, ground, now))
    return chosen is not None and chosen[0].name != wish.to


def _wishes(known: NumberFacts, ground: Ground, now: float) -> Iterator[_Wish]:
    """What the rules and the declared groups want of one number."""
    facts = _facts(known, ground, now)
    for rule in ground.rules:
        if rule.mode != "off" and rule.condition.judge(facts.look):
            yield from _wished(rule, facts)
    chosen = choose(ground.groups, facts)
    if chosen is not None:
        group, window = chosen
        yield _Wish(group.name, group.why(facts, ground.groups), "", window, create=True, approval=group.approval)


def _wished(rule: Rule, facts: Facts) -> Iterator[_Wish]:
    """The first move of a rule whose own condition holds."""
    said = "; ".join(f"{f.name} is {f.found}" for f in rule.condition.findings(facts.look))
    for step in rule.acting:
        if step.verb != "regroup" or not step.condition.judge(facts.look):
            continue
        try:
            filled = step.filling.fill(facts.context(step.filling.names))
        except TemplateError:
            continue
        yield _Wish(
            str(filled["to"]),
            f"{rule.name}: {said}" if said else rule.name,
            rule.name,
            rule.window,
            create=bool(filled.get("create")),
            approval=step.approval,
            shadow=rule.mode == "shadow",
        )
        return


def _held_by(standing: Standing, wish: _Wish, ground: Ground, now: float) -> str | None:
    owned = standing.facts.owned
    if owned is None:
        return None
    lacking = ground.about.lacks(wish.window, now)
    if lacking is not None:
        return f"history: wanted {lacking[0]}, was {lacking[1]}"
    if standing.groups is not None and len(standing.groups) > 1 and not ground.brakes.enforce:
        return f"it is in several groups ({', '.join(standing.groups)}), which regroup.enforce would mend"
    known = MoveFacts(owned, standing.last, standing.flaps)
    wanted = Wanted(owned.number, wish.to, wish.by, counts=wish.window > 0 or not wish.by)
    why = stands(wanted, known, ground.brakes, now) or flaps(in_group(known, owned.group))
    if why is not None:
        return why
    if standing.under_way:
        return "a change of it is under way"
    if standing.last is not None and 0 <= now - standing.last.at < BAN:
        return f"moved {say_span(now - standing.last.at)} ago by {standing.last.by}; one change in {say_span(BAN)}"
    return _contradicted(standing, wish, ground, now)


def _contradicted(standing: Standing, wish: _Wish, ground: Ground, now: float) -> str | None:
    """What the phone system's own figures say against a move that was decided on the ledger's."""
    told = standing.counted
    if not wish.window or not ground.brakes.check_against_api:
        return None
    if told is None:
        return f"the API's own figures could not be read: {ground.uncounted or 'it was not asked'}"
    known = corrected(standing.facts, told)
    if any(other.to == wish.to and other.by == wish.by for other in _wishes(known, ground, now)):
        return None
    return (
        f"the API counts {told.calls_7d} calls in 7 days and {told.calls_30d} in 30, the ledger "
        f"{standing.facts.calls_7d} and {standing.facts.calls_30d} (asked {say_span(told.age)} ago)"
    )


def corrected(known: NumberFacts, told: Counted) -> NumberFacts:
    """The ledger's figures with those of the phone system where it counts more; it may know of calls that we missed."""
    return replace(
        known,
        calls_7d=max(known.calls_7d, told.calls_7d),
        calls_30d=max(known.calls_30d, told.calls_30d),
        answered_7d=max(known.answered_7d, told.answered_7d),
        answered_30d=max(known.answered_30d, told.answered_30d),
    )


def _facts(known: NumberFacts, ground: Ground, now: float) -> Facts:
    number = None if known.owned is None else known.owned.number
    event = Event("", CLOCK, TICK, "", received_at=now, number=number)
    return Facts(event, _OfNumber(known), ground.about, now)


@dataclass(frozen=True, slots=True)
class _OfNumber:
    """All that is known when there is a number, and nobody who calls it."""

    facts: NumberFacts

    def caller(self) -> CallerFacts:
        return CallerFacts()

    def number(self) -> NumberFacts:
        return self.facts

    def business(self) -> BusinessFacts:
        return BusinessFacts()

    def text(self, recipient: str, *, run: str, rule: str, shadow: bool) -> TextFacts:  # noqa: ARG002 - nobody is texted
        return TextFacts()

    def ran(self, rule: str, value: str) -> bool:  # noqa: ARG002 - a plan is no run
        return False


def public(planned: Planned) -> dict[str, Any]:
    """A plan for machines: exactly this, as the contract has it."""
    return {
        "moves": [{"number": m.number, "from": m.source, "to": m.to, "because": m.because} for m in planned.moves],
        "held": [{"number": h.number, "because": h.because} for h in planned.held],
    }
