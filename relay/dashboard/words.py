"""Plain words for what the ledger says in short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.dashboard.reasons import plainly, why_not
from relay.models import CALLSCALER, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.models import Delivery, Event, Verdict
    from relay.shown import Shown, ShownConnector, ShownRule
    from relay.store.pages import Glance


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its mood: good, wait, bad, calm."""

    text: str
    mood: str


EVENTS: Mapping[str, Word] = {
    "call.completed": Word("Answered", "good"),
    "call.missed": Word("Missed", "bad"),
    "call.voicemail": Word("Voicemail", "wait"),
    "call.failed": Word("Failed", "bad"),
    "call.enriched": Word("Details", "calm"),
    "text.received": Word("Text in", "good"),
    "time.tick": Word("Clock", "calm"),
}
STATES: Mapping[str, Word] = {
    State.DUE: Word("due", "wait"),
    State.WAITING: Word("waiting", "wait"),
    State.HELD: Word("held", "wait"),
    State.SENDING: Word("sending", "wait"),
    State.UNKNOWN: Word("being looked up", "wait"),
    State.DELIVERED: Word("done", "good"),
    State.DEAD: Word("failed", "bad"),
    State.CANCELLED: Word("cancelled", "calm"),
    State.SUPPRESSED: Word("not done", "calm"),
    State.SHADOW: Word("only noted", "calm"),
    State.ABANDONED: Word("fate unknown", "bad"),
    "sent": Word("sent", "good"),
}
VERDICTS: Mapping[str, Word] = {
    "ran": Word("ran", "good"),
    "skipped": Word("did not apply", "calm"),
    "held": Word("held", "wait"),
    "suppressed": Word("stopped by a guard", "wait"),
    "shadow": Word("shadow", "calm"),
    "error": Word("error", "bad"),
}
CONNECTORS: Mapping[str, Word] = {
    "working": Word("working", "good"),
    "probing": Word("being tried again", "wait"),
    "resting": Word("not answering", "bad"),
    "paused": Word("paused", "wait"),
}
MODES: Mapping[str, Word] = {"live": Word("live", "good"), "shadow": Word("shadow", "wait"), "off": Word("off", "calm")}
RUNS: Mapping[str, Word] = {
    "planned": Word("planned", "wait"),
    "asking": Word("waits for a yes", "wait"),
    "approved": Word("approved", "good"),
    "applying": Word("under way", "wait"),
    "done": Word("done", "good"),
    "stopped": Word("stopped", "bad"),
    "rejected": Word("rejected", "calm"),
    "expired": Word("nobody answered", "calm"),
}
CHANGES: Mapping[str, Word] = {
    "planned": Word("planned", "calm"),
    "under_way": Word("under way", "wait"),
    "done": Word("done", "good"),
    "failed": Word("failed", "bad"),
    "held": Word("not moved", "calm"),
}
_CALLS = ("call.completed", "call.missed", "call.voicemail", "call.failed")
_WHEN: Mapping[str, str] = {
    "call.completed": "answered calls",
    "call.missed": "missed calls",
    "call.voicemail": "voicemail",
    "call.failed": "failed calls",
    "call.enriched": "details that come later",
    "text.received": "texts that come in",
}
_MOVES = {"regroup", "update_number"}
_NAMED = 4
"""Names of connectors that a list shows of one call."""
_OWED = {State.DUE, State.WAITING, State.HELD, State.SENDING, State.UNKNOWN}


def event_word(event: Event) -> Word:
    """What kind of thing came in."""
    return EVENTS.get(event.type, Word(event.type, "calm"))


def state_word(state: str) -> Word:
    """Where a delivery or a text stands."""
    return STATES.get(state, Word(state, "calm"))


def verdict_word(word: str) -> Word:
    """What became of a rule."""
    return VERDICTS.get(word, Word(word, "calm"))


def connector_word(state: str) -> Word:
    """How a connector stands."""
    return CONNECTORS.get(state, Word(state, "calm"))


def kind_word(connector: ShownConnector) -> str:
    """What kind of service a connector speaks to."""
    return "texts and numbers" if connector.name == CALLSCALER else connector.type.replace("_", " ")


def run_word(state: str) -> Word:
    """How a run of moves stands."""
    return RUNS.get(state, Word(state, "calm"))


def change_word(state: str) -> Word:
    """How one move stands."""
    return CHANGES.get(state, Word(state, "calm"))


def when_words(when: Sequence[str]) -> str:
    """What a rule looks at, as people say it: missed calls and voicemail; every day at 06:10."""
    every = set(_CALLS) <= set(when)
    said = ["every call"] if every else []
    said += [_WHEN.get(one, one) for one in when if not (every and one in _CALLS)]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def does_words(rule: ShownRule) -> str:
    """Whom a rule acts on: texts the caller, team."""
    texts = ["texts the caller"] if rule.texts else []
    others = [one for one in rule.connectors if not (texts and one == CALLSCALER)]
    said = [*texts, *("the phone system" if one == CALLSCALER else one for one in others)]
    return ", ".join(said) or "nothing outside of the relay"


def mode_word(mode: str) -> Word:
    """How a rule is switched."""
    return MODES.get(mode, Word(mode, "calm"))


def done_about(glance: Glance | None, shown: Shown) -> list[Word]:
    """What was done about an event, most telling first: was there a text, why not, what failed, what went out."""
    if glance is None or glance.verdicts is None:
        return [Word("not judged yet", "wait")]
    words = [*_texted(glance, shown)]
    sends = [one for one in glance.deliveries if one.kind != "text"]
    dead = sum(one.state is State.DEAD for one in sends)
    owed = sum(one.state in _OWED for one in sends)
    done = [one for one in sends if one.state is State.DELIVERED]
    if any(verdict.word == "error" for verdict in glance.verdicts):
        words.append(Word("a rule failed", "bad"))
    if any(one.quarantined for one in glance.deliveries):
        words.insert(0, Word("in quarantine", "wait"))
    words += [Word(f"{dead} failed", "bad")] if dead else []
    words += [Word(f"{owed} on the way", "wait")] if owed else []
    moved = [one for one in done if one.kind in _MOVES]
    words += [Word("number changed", "good")] if moved else []
    words += [Word(_sent_to(done), "calm")] if len(done) > len(moved) else []
    return words or [Word("nothing to do", "calm")]


def _sent_to(done: Sequence[Delivery]) -> str:
    """What went out, by the names of those who got it: `to team, crm`."""
    names = list(dict.fromkeys(one.connector for one in done if one.kind not in _MOVES))
    shown = names if len(names) <= _NAMED else [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]
    return "to " + ", ".join(shown)


def _texted(glance: Glance, shown: Shown) -> list[Word]:
    """Whether the caller was texted; and why not, where a rule might have."""
    for one in glance.deliveries:
        if one.kind == "text":
            return [_text(one)]
    texting = {rule.name for rule in shown.rules if rule.texts}
    stopped = [v for v in glance.verdicts or () if v.rule in texting and v.word in {"suppressed", "held"}]
    if stopped:
        return [Word(f"not texted: {why_not(stopped[0])}", "calm")]
    asked = [v for v in glance.verdicts or () if v.rule in texting and v.word == "skipped" and v.findings]
    return [Word(f"not texted: {why_not(asked[0])}", "calm")] if asked else []


def _text(one: Delivery) -> Word:
    match one.state:
        case State.DELIVERED:
            return Word("texted back", "good")
        case State.SHADOW:
            return Word("would have texted (shadow)", "calm")
        case State.DEAD | State.ABANDONED:
            return Word(f"text {state_word(one.state).text}: {one.reason or ''}".rstrip(": "), "bad")
        case State.SUPPRESSED | State.CANCELLED:
            return Word(f"not texted: {plainly(one.reason or str(one.state))}", "calm")
        case _:
            return Word("text on its way" if one.state is not State.HELD else "text held", "wait")


def needs_telling(verdict: Verdict, shown: Shown) -> bool:
    """Whether the story of a rule on this event is laid open from the start: it texts, ran, was stopped, or failed."""
    texting = {rule.name for rule in shown.rules if rule.texts}
    return verdict.word in {"error", "held", "suppressed"} or (verdict.rule in texting and bool(verdict.findings))


_DONE: Mapping[str, str] = {
    "retry": "{retried} given another schedule of tries.",
    "cancel": "{cancelled} cancelled.",
    "release": "{released} released, without texts.",
    "texts-off": "Texts are off. What falls due is held as long as its rule allows.",
    "texts-on": "Texts are {texts}.",
    "optout-add": "{number} is never texted again.",
    "optout-remove": "{number} may be texted again.",
    "mode": "{rule} is now {mode}.",
    "pause": "{connector} is paused. What is owed to it is kept.",
    "resume": "{connector} goes on.",
    "check-connector": "{connector}: {said}",
    "forget": "This person is forgotten.",
    "numbers-drift": "{said}.",
    "numbers-accept": "Accepted: it counts as moved there.",
    "numbers-apply": "{run} is {state}.",
    "numbers-undo": "{run} is {state}.",
    "numbers-approve": "{run} is {state}.",
    "numbers-reject": "{run} is {state}.",
}


def _planned(came: Mapping[str, Any]) -> str:
    moves, held = came["moves"], came["held"]
    stay = f" {len(held)} stay: {held[0]['because']}." if held else ""
    if not moves:
        return f"No number is to be moved.{stay}"
    return f"{len(moves)} to be moved; look below, then apply.{stay}"


def came_of(deed: str, came: Mapping[str, Any]) -> Word:
    """What came of a deed, in a sentence."""
    for bad in ("refused", "failed"):
        if isinstance(came.get(bad), str):
            return Word(str(came[bad]), "bad")
    return Word(_came_of(deed, came), "bad" if came.get("ok") is False else "good")


def _came_of(deed: str, came: Mapping[str, Any]) -> str:
    if deed == "numbers-plan":
        return _planned(came)
    try:
        return _DONE[deed].format_map(dict(came))
    except KeyError:
        told = ", ".join(f"{key} {value}" for key, value in came.items() if not isinstance(value, (dict, list)))
        return f"Done: {told or deed}."
