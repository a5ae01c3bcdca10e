"""The steps of a rule, read once: what acts, what waits, what stands in the way of what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field as Key
from pydantic import field_validator

from relay import phone
from relay.forms import Complain, Path, nearest, read_form, unknown
from relay.models import CALLSCALER, Form, Seconds, seconds
from relay.rules.asking import question
from relay.rules.conditions import ALWAYS, Condition, fields_in
from relay.rules.fill import Filling, read_filling
from relay.rules.waits import Wait, read_wait
from relay.rules.wording import read_condition
from relay.templates import Escaping

if TYPE_CHECKING:
    from collections.abc import Collection

VERBS = ("send", "text", "regroup", "update_number", "wait", "stop", "tag", "quarantine")
GATES = {"text", "regroup", "update_number", "stop"}
"""Steps below these run only once they have succeeded; a wait is folded into the due times below it."""
RELAY = "relay"
"""The connector name of steps that the planner settles by itself."""
_CALLED = "called_number"
AT_MOST = 30 * 60.0
AT_MOST_HELD = 16 * 3600.0


def _in_one_line(value: str) -> str:
    return " ".join(value.split())


SMS = Escaping("sms", _in_one_line)


class _Common(Form):
    """What any step may say beside its own fields."""

    id: str | None = None
    wait_for: Seconds = 300.0
    anyway: bool = False
    late: bool = False

    @field_validator("id")
    @classmethod
    def _sound(cls, written: str | None) -> str | None:
        if written is not None and not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", written):
            raise ValueError(f"`{written}` is no id; write a small letter first, then small letters, digits or _")
        return written


class _TextFields(Form):
    body: Annotated[str, SMS]
    sender: str = Key(default="called_number", alias="from")


class _RegroupFields(Form):
    to: str
    create: bool = False


class _UpdateFields(Form):
    friendly_name: str | None = None
    call_flow: str | None = None


class Approval(Form):
    """Who is asked before numbers move, and for how long an answer counts."""

    by: str
    """A connector that carries the question to people."""
    within: Seconds = 86400.0

    @field_validator("within")
    @classmethod
    def _some(cls, written: float) -> float:
        if written <= 0:
            raise ValueError("nobody can answer in no time; write 24h")
        return written


_OWN: Mapping[str, tuple[str, ...]] = {
    "text": ("body", "from", "at_most"),
    "regroup": ("to", "create", "approve"),
    "update_number": ("friendly_name", "call_flow"),
}


def own_fields(verb: str) -> tuple[str, ...]:
    """What a kind of step may say that is its own; a `send` says what its connector carries."""
    return _OWN.get(verb, ())


def common_fields(verb: str) -> tuple[str, ...]:
    """What any step of this kind may say beside its own fields."""
    if verb == "wait":
        return ("cancel_if",)
    return ("if", *(name for name in _Common.model_fields if name != "late" or verb == "send"))


@dataclass(frozen=True, slots=True)
class Step:
    """One step that becomes a delivery."""

    index: int
    verb: str
    connector: str
    filling: Filling
    condition: Condition = ALWAYS
    id: str | None = None
    wait_for: float = 300.0
    anyway: bool = False
    late: bool = False
    needs: frozenset[str] = frozenset()
    """Ids of earlier steps whose results its templates name."""
    recipient: str | None = None
    """For a text: `caller`, or a number in E.164."""
    at_most: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    approval: Approval | None = None
    """Who is asked before this step moves a number."""

    @property
    def gate(self) -> bool:
        """Whether the steps below wait for its success."""
        return self.verb in GATES

    @property
    def sender(self) -> str | None:
        """The number that a text names to be sent from; None for the one that was called."""
        written = getattr(self.filling.parts.get("from"), "source", _CALLED)
        return None if written == _CALLED else written

    def texted(self, caller: str | None) -> str | None:
        """Whom a text goes to; None when the caller withheld the number."""
        return caller if self.recipient == "caller" else self.recipient


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a step stands, whom to tell of mistakes, and what it may refer to."""

    path: Path
    complain: Complain
    around: Surroundings
    ids: tuple[str, ...]

    def tell(self, key: str, message: str) -> None:
        self.complain((*self.path, key), message)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may refer to."""

    actions: Mapping[str, type[Form]]
    """The forms that steps fill in, by the names that relay.yaml gives its connectors."""
    lists: Mapping[str, Collection[str]] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    """Names of connectors that are there and faulty, which was told already."""


def read_steps(written: Any, path: Path, complain: Complain, around: Surroundings) -> tuple[Step | Wait, ...]:
    """The steps under `then`; mistakes are told to `complain`."""
    if not isinstance(written, list) or not written:
        complain(path, "`then` is a list of steps, each with one of " + ", ".join(VERBS))
        return ()
    steps: list[Step | Wait] = []
    ids: list[str] = []
    for index, entry in enumerate(written):
        place = _Place((*path, index), complain, around, tuple(ids))
        step = _step(index, entry, place)
        if step is None:
            continue
        if isinstance(step, Step) and step.verb == "quarantine" and any(_delays(above) for above in steps):
            place.tell("quarantine", "a quarantine acts at once: it stands above every wait, text and other gate")
        steps.append(step)
        if isinstance(step, Step) and step.id is not None:
            if step.id in ids:
                complain((*path, index, "id"), f"another step already has the id `{step.id}`")
            ids.append(step.id)
    return tuple(steps)


def _delays(step: Step | Wait) -> bool:
    return isinstance(step, Wait) or (step.gate and step.verb != "stop")


def _step(index: int, entry: Any, place: _Place) -> Step | Wait | None:
    if not isinstance(entry, Mapping):
        place.complain(place.path, "a step is a mapping with one of " + ", ".join(VERBS))
        return None
    verbs = [key for key in entry if key in VERBS]
    if len(verbs) != 1:
        misspelt = [key for key in entry if nearest(str(key), VERBS)] or list(entry)[:1]
        for key in misspelt if not verbs else ():
            place.tell(key, unknown(str(key), VERBS, "step"))
        if len(verbs) > 1:
            place.tell(verbs[1], f"a step does one thing; this one says {' and '.join(verbs)}")
        elif not entry:
            place.complain(place.path, "this step is empty; it needs one of " + ", ".join(VERBS))
        return None
    verb, rest = verbs[0], {key: value for key, value in entry.items() if key != verbs[0]}
    if verb == "wait":
        return read_wait(index, entry["wait"], rest, place.path, place.complain, place.around.lists)
    condition: Condition = ALWAYS
    if "if" in rest:
        where = (*place.path, "if")
        condition = read_condition(rest.pop("if"), where, place.complain, place.around.lists, place.ids)
    common_keys = {key: rest.pop(key) for key in ("id", "wait_for", "anyway", "late") if key in rest}
    common = read_form(_Common, common_keys, place.path, place.complain) or _Common()
    if common.late and verb != "send":
        place.tell("late", "only `send` steps run for late events, so `late` says nothing here")
    made = _READ[verb](entry[verb], rest, place)
    if made is None:
        return None
    named = made["filling"].names | fields_in(condition)
    needs = {name.split(".")[1] for name in named if name.startswith("steps.")}
    return Step(
        index=index,
        verb=verb,
        condition=condition,
        id=common.id,
        wait_for=common.wait_for,
        anyway=common.anyway,
        late=common.late,
        needs=frozenset(needs),
        **made,
    )


def _send(target: Any, rest: dict[str, Any], place: _Place) -> dict[str, Any] | None:
    actions = place.around.actions
    if target in place.around.unreadable:
        return {"connector": target, "filling": Filling({})}
    action = actions.get(target) if isinstance(target, str) else None
    if action is None or target == CALLSCALER:
        names = [name for name in (*actions, *place.around.unreadable) if name != CALLSCALER]
        missing = f"`{target}`: no connector is set up under connectors:"
        place.tell("send", unknown(str(target), names, "connector") if names else missing)
        return None
    fields = action.as_written(rest)
    return {"connector": target, "filling": read_filling(action, fields, place.path, place.complain, place.ids)}


def _phone(form: type[Form], rest: dict[str, Any], place: _Place) -> dict[str, Any]:
    return {"connector": CALLSCALER, "filling": read_filling(form, rest, place.path, place.complain, place.ids)}


def _text(target: Any, rest: dict[str, Any], place: _Place) -> dict[str, Any] | None:
    recipient: str | None = "caller" if target == "caller" else phone.normalise(target)
    if recipient is None:
        place.tell("text", f"`{target}`: a text goes to `caller` or to a number like +13125550101")
        return None
    at_most: float | None = None
    if "at_most" in rest:
        try:
            at_most = seconds(rest.pop("at_most"))
        except ValueError as error:
            place.tell("at_most", str(error))
    sender = rest.get("from", "called_number")
    if sender != "called_number":
        rest["from"] = phone.normalise(sender)
        if rest["from"] is None:
            place.tell(
                "from", f"`{sender}`: a text is sent from `called_number` or one of your numbers like +13125550142"
            )
            return None
    return {**_phone(_TextFields, rest, place), "recipient": recipient, "at_most": at_most}


def _regroup(target: Any, rest: dict[str, Any], place: _Place) -> dict[str, Any] | None:
    if target != "number":
        place.tell("regroup", f"`{target}`: what is regrouped is `number`, the number of the event")
        return None
    written = rest.pop("approve", None)
    known = not isinstance(written, Mapping) or written.get("by") not in place.around.unreadable
    asked = written is not None and known
    approval = read_approval(written, place.path, place.complain, place.around.actions) if asked else None
    return {**_phone(_RegroupFields, rest, place), "approval": approval}


def read_approval(written: Any, path: Path, complain: Complain, actions: Mapping[str, type[Form]]) -> Approval | None:
    """Who approves; mistakes are told to `complain` under `approve`."""
    place = (*path, "approve")
    approval = read_form(Approval, written, place, complain)
    if approval is None:
        return None
    action = actions.get(approval.by)
    if action is None or approval.by == CALLSCALER:
        complain((*place, "by"), unknown(approval.by, [name for name in actions if name != CALLSCALER], "connector"))
    elif question(action, "", None) is None:
        complain(
            (*place, "by"), f"`{approval.by}` brings no message to anybody; name a Slack, e-mail or webhook connector"
        )
    return approval


def _update(target: Any, rest: dict[str, Any], place: _Place) -> dict[str, Any] | None:
    if target != "number":
        place.tell("update_number", f"`{target}`: what is updated is `number`, the number of the event")
        return None
    return _phone(_UpdateFields, rest, place)


def _stop(target: Any, rest: dict[str, Any], place: _Place) -> dict[str, Any] | None:
    _nothing_else(rest, place, "stop")
    return {"connector": RELAY, "filling": Filling({}), "why": str(target or "stopped")}


def _tag(target: Any, rest: dict[str, Any], place: _Place) -> dict[str, Any] | None:
    _nothing_else(rest, place, "tag")
    if not isinstance(target, Mapping) or set(target) != {"caller"} or not str(target["caller"] or "").strip():
        place.tell("tag", "a tag is written as {caller: vip}")
        return None
    return {"connector": RELAY, "filling": Filling({}), "tags": {"caller": str(target["caller"])}}


def _quarantine(target: Any, rest: dict[str, Any], place: _Place) -> dict[str, Any] | None:
    _nothing_else(rest, place, "quarantine")
    try:
        return {"connector": RELAY, "filling": Filling({}), "at_most": seconds(target)}
    except ValueError as error:
        place.tell("quarantine", str(error))
        return None


_READ = {
    "send": _send,
    "text": _text,
    "regroup": _regroup,
    "update_number": _update,
    "stop": _stop,
    "tag": _tag,
    "quarantine": _quarantine,
}


def _nothing_else(rest: Mapping[str, Any], place: _Place, verb: str) -> None:
    for key in rest:
        place.tell(key, f"`{key}`: `{verb}` takes nothing else but `if`")
