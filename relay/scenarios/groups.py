"""The declared groups in a scenario: planned and applied at a moment that is given, under the brakes of the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.connector import Job
from relay.models import Change, NumberRun, Regroup
from relay.moving.looking import look
from relay.numbers import plan
from relay.numbers.planning import Ground

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.book import Book
    from relay.models import NumberFacts
    from relay.settings.forms import OwnedForm
    from relay.store import Store
    from relay.texting import PhoneConnector

TICK = "groups"
"""What `{tick: groups, at: …}` names: `relay numbers plan`, then `apply`."""
_DAY = 86400.0


async def keep_groups(store: Store, phone: PhoneConnector, book: Book, told: Sequence[OwnedForm], now: float) -> None:
    """Make the moves that would be planned at `now`, unless they are too many or wait for somebody's word."""
    view = await look(store, None, book.about, now)
    known = {one.number: one for one in told}
    about = replace(view.about, history=book.about.history, outages=())
    standings = [replace(one, facts=_told(one.facts, known, now)) for one in view.standings]
    planned = plan(standings, Ground(book.groups, (), replace(book.brakes, check_against_api=False), about), now)
    if len(planned.moves) > book.brakes.max_changes or any(move.approval for move in planned.moves):
        return
    run = NumberRun(f"run_{now}", "plan", TICK, now, state="done", moves=len(planned.moves))
    made = []
    for place, move in enumerate(planned.moves):
        step = Regroup(number=move.number, to=move.to, create=True).model_dump()
        await phone.send(Job(f"{run.id}-{place}", phone.Action.model_validate(step), {}, now=now))
        change = Change(f"{run.id}-{place}", run.id, move.number, "regroup", step, move.because)
        done = replace(change, source=move.source, to=move.to, state="done", moved=True, at=now, settled_at=now)
        made.append(done)
    await store.add_run(run, made)
    for change in made:
        await store.settle_change(change)


def _told(facts: NumberFacts, known: Mapping[str, OwnedForm], now: float) -> NumberFacts:
    """What the scenario says of a number, above what its ledger counted."""
    form = None if facts.owned is None else known.get(facts.owned.number)
    if form is None or facts.owned is None:
        return facts
    week = facts.calls_7d if form.calls_7d is None else form.calls_7d
    month = facts.calls_30d if form.calls_30d is None else form.calls_30d
    owned = facts.owned if form.age_days is None else replace(facts.owned, created_at=now - form.age_days * _DAY)
    return replace(
        facts,
        owned=owned,
        calls_7d=week,
        calls_30d=month,
        answered_7d=_answered(form.answer_rate_7d, week, facts.answered_7d),
        answered_30d=_answered(form.answer_rate_30d, month, facts.answered_30d),
    )


def _answered(rate: float | None, calls: int, counted: int) -> int:
    return counted if rate is None else round(calls * rate / 100)
