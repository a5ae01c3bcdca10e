"""How a scenario turned out, against what it expects."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.models import Regroup, SendText, State
from relay.scenarios.given import read_at

if TYPE_CHECKING:
    from relay.hours import Business
    from relay.models import Delivery, Event, Verdict
    from relay.settings.forms import ExpectForm


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in a scenario."""

    verdicts: Sequence[tuple[Event, Verdict]]
    """In the order of the events."""
    deliveries: Sequence[Delivery]
    done: Mapping[str, Sequence[Any]]
    """What each service was asked to do, and did."""
    phoned: Sequence[Any]
    """Texts and moves that the phone system carried out."""
    held: Collection[float]
    """Every moment until which something was held, Unix seconds."""
    shadow: Collection[str] = ()
    """Rules in shadow mode, which a scenario plays as if they were live; `shadow` expects them to act at all."""

    def differences(self, expect: ExpectForm, hours: Business) -> list[str]:
        """What did not turn out as expected."""
        wrong: list[str] = []
        texts = [step for step in self.phoned if isinstance(step, SendText)]
        _differ(wrong, "texts", expect.texts, len(texts))
        _differ(wrong, "suppressed runs", expect.suppressed, len(self._suppressed()))
        wrong.extend(self._moves(expect.moves))
        for name, wanted in expect.delivered.items():
            if name in self.done:
                _differ(wrong, f"delivered to {name}", wanted, len(self.done[name]))
            else:
                wrong.append(f"there is no connector {name}")
        if expect.held_until is not None:
            wrong.extend(self._held(expect.held_until, hours))
        for rule, word in expect.verdicts.items():
            wrong.extend(self._verdict(rule, word))
        return wrong

    def _suppressed(self) -> set[tuple[str, str]]:
        """(event, rule) of every run that was suppressed, at once or in one of its steps."""
        verdicts = {(event.id, verdict.rule) for event, verdict in self.verdicts if verdict.word == "suppressed"}
        return verdicts | {(d.event, d.rule) for d in self.deliveries if d.state is State.SUPPRESSED}

    def _moves(self, wanted: Any) -> list[str]:
        made = [(step.number, step.to) for step in self.phoned if isinstance(step, Regroup)]
        if wanted is None:
            return []
        if isinstance(wanted, int):
            return [] if wanted == len(made) else [f"moves: wanted {wanted}, was {len(made)}"]
        listed = list(wanted.items()) if isinstance(wanted, Mapping) else [_move(entry) for entry in wanted]
        pairs = [(phone.normalise(number) or number, to) for number, to in listed]
        if sorted(pairs) == sorted(made):
            return []
        said = ", ".join(f"{number} to {to}" for number, to in made)
        return [f"moves: wanted {len(pairs)} ({pairs}), was {said or 'none'}"]

    def _held(self, wanted: str, hours: Business) -> list[str]:
        said = sorted({hours.local(until).strftime("%Y-%m-%d %H:%M") for until in self.held})
        if re.fullmatch(r"\d{1,2}:\d\d", wanted):
            found = any(moment.endswith(f" {wanted:0>5}") for moment in said)
        else:
            found = hours.local(read_at(wanted, hours)).strftime("%Y-%m-%d %H:%M") in said
        return [] if found else [f"held until: wanted {wanted}, was {', '.join(said) or 'not held'}"]

    def _verdict(self, rule: str, wanted: str) -> list[str]:
        judged = [(event, verdict) for event, verdict in self.verdicts if verdict.rule == rule]
        # An event that the rule does not wait for says nothing of the rule, unless there was no other.
        meant = [pair for pair in judged if not pair[1].why.startswith("when: ")] or judged
        if not meant:
            return [f"verdict of {rule}: wanted {wanted}, was not judged"]
        last = self._in_the_end(*meant[-1])
        why = f" ({last.why})" if last.why else ""
        if wanted == "shadow" and rule in self.shadow and last.word in {"ran", "held"}:
            return []
        return [] if last.word == wanted else [f"verdict of {rule}: wanted {wanted}, was {last.word}{why}"]

    def _in_the_end(self, event: Event, verdict: Verdict) -> Verdict:
        """The verdict, or suppressed where a guard said so only when the text fell due."""
        run = [d for d in self.deliveries if (d.event, d.rule) == (event.id, verdict.rule)]
        stopped = [d for d in run if d.state is State.SUPPRESSED]
        over = all(d.state in (State.SUPPRESSED, State.CANCELLED) for d in run)
        if not stopped or not over or verdict.word not in {"ran", "held"}:
            return verdict
        return replace(verdict, word="suppressed", why=stopped[0].reason or "")


def _move(entry: Any) -> tuple[str, str]:
    if isinstance(entry, Mapping):
        return str(entry.get("number", "")), str(entry.get("to", ""))
    return str(entry), ""


def _differ(wrong: list[str], what: str, wanted: int | None, found: int) -> None:
    if wanted is not None and wanted != found:
        wrong.append(f"{what}: wanted {wanted}, was {found}")
