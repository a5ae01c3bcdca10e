"""What is wrong, from what was seen: one trouble for each cause, each with what to do about it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.rules import say_span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from relay.alerts.silence import Quiet
    from relay.models import Standing
    from relay.store import RequestNote

OVERDUE = 300.0
"""Seconds that what is owed may wait before somebody should look (reliability, P13)."""
DOUBTFUL = 900.0
"""Seconds that the fate of a text may be unknown (P13)."""
FULL = 0.1
"""The share of a disk that should be free (P13)."""
SURGE = 20
"""Refused requests in ten minutes that are no accident."""
SURGE_SECONDS = 600.0
LOOP = 50
"""Events of one caller in five minutes that no person causes."""
LOOP_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person should see to; `cause` as in an Alert."""

    cause: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Sight:
    """What there is to see at one moment; times in Unix seconds."""

    now: float
    owed_since: Mapping[str, float] = field(default_factory=dict)
    """Connector → when the oldest of what is due to it first fell due."""
    standings: Mapping[str, Standing] = field(default_factory=dict)
    dead: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Connector → how much was given up on in a day, and why the latest was."""
    doubtful_since: Sequence[float] = ()
    """When texts of unknown fate were sent."""
    disk_free: float | None = None
    """The share of the ledger's disk that is free."""
    refused: Sequence[RequestNote] = ()
    """Refused requests of late."""
    accepted_at: float | None = None
    """When the last event came in."""
    holes: int = 0
    """Calls of the last day whose webhooks never came."""
    busiest: int = 0
    """Events of whichever caller has most, of late."""
    restored: bool = False
    parts: Sequence[str] = ()
    """Parts of the relay that do not do their work, each with why: `planner: KeyError`."""
    reload: str | None = None
    """Why a changed configuration is not used."""
    unwritten: str | None = None
    """Why a webhook could not be written down of late."""
    erring: Mapping[str, int] = field(default_factory=dict)
    """Rule → how often it failed in an hour."""
    quiet: Quiet | None = None


def troubles(sight: Sight) -> list[Trouble]:
    """Everything that is wrong."""
    return [trouble for look in LOOKS.values() for trouble in look(sight)]


def _overdue(sight: Sight) -> Iterable[Trouble]:
    for name, since in sight.owed_since.items():
        standing = sight.standings.get(name)
        if sight.now - since <= OVERDUE or (standing is not None and (standing.open or standing.paused)):
            continue
        yield Trouble(
            f"overdue:{name}",
            f"deliveries to {name} are late: the oldest has been owed for {say_span(sight.now - since)}",
            f"see why with `relay deliveries --state due`; where {name} is only slow, raise its concurrency or rate",
        )


def _breaker(sight: Sight) -> Iterable[Trouble]:
    for name, standing in sight.standings.items():
        if standing.open:
            yield Trouble(
                f"breaker:{name}",
                f"{name} does not answer ({standing.fault}); what is owed to it waits",
                "nothing is lost: it is asked again at least every minute, and everything goes out once it answers",
            )


def _paused(sight: Sight) -> Iterable[Trouble]:
    for name, standing in sight.standings.items():
        if standing.paused:
            yield Trouble(
                f"paused:{name}",
                f"{name} is paused ({standing.paused_why}); what is owed to it waits",
                f"mend it, then `relay resume {name}`; what died meanwhile: `relay replay --connector {name}`",
            )


def _dead(sight: Sight) -> Iterable[Trouble]:
    for name, (count, why) in sight.dead.items():
        standing = sight.standings.get(name)
        if standing is not None and standing.paused:  # one trouble: that alert says what to do about the dead, too
            continue
        yield Trouble(
            f"dead:{name}",
            f"{count} {'delivery' if count == 1 else 'deliveries'} to {name} given up on in a day; the latest: {why}",
            f"`relay deliveries --state dead` lists them; once mended, `relay replay --connector {name}`",
        )


def _doubtful(sight: Sight) -> Iterable[Trouble]:
    late = [since for since in sight.doubtful_since if sight.now - since > DOUBTFUL]
    if late:
        words = "text was" if len(late) == 1 else "texts were"
        yield Trouble(
            "unknown",
            f"whether {len(late)} {words} sent is unknown, of the oldest for {say_span(sight.now - min(late))}",
            "the phone system's list of texts cannot be read: see `relay doctor`; none of them is sent again",
        )


def _disk(sight: Sight) -> Iterable[Trouble]:
    if sight.disk_free is not None and sight.disk_free < FULL:
        yield Trouble(
            "disk",
            f"the disk of the ledger is nearly full: {100 * sight.disk_free:.0f} % are free",
            "free some space, or lower retention: size; when it is full, webhooks are answered 503 until there is room",
        )


def _refused(sight: Sight) -> Iterable[Trouble]:
    lately = [note for note in sight.refused if sight.now - note.at <= SURGE_SECONDS]
    shut_out = len(sight.refused) >= _FEW and (sight.accepted_at or 0.0) < min(note.at for note in sight.refused)
    if len(lately) < SURGE and not shut_out:
        return
    notes = lately if len(lately) >= SURGE else sight.refused
    [(reason, most)] = Counter(note.reason for note in notes).most_common(1)
    nothing = ", and none was accepted since" if shut_out else ""
    yield Trouble(
        "refused",
        f"{len(notes)} requests were refused of late{nothing}; {most} of them: {reason}",
        "are they your phone system's? Compare its header with `relay url`; those of strangers need nothing",
    )


_FEW = 3
"""Refused requests with nothing accepted in between that look like a wrong secret."""


def _holes(sight: Sight) -> Iterable[Trouble]:
    if sight.holes:
        yield Trouble(
            "holes",
            f"{sight.holes} calls of the last day came without a webhook, and were fetched later, too late for texts",
            "see whether every call flow posts here (`relay url`), and whether the relay was reachable: `relay doctor`",
        )


def _loop(sight: Sight) -> Iterable[Trouble]:
    if sight.busiest >= LOOP:
        yield Trouble(
            "loop",
            f"a loop is suspected: {sight.busiest} events of one caller within {say_span(LOOP_SECONDS)}",
            "see `relay events`; does a connector post to this relay's own address?",
        )


def _restored(sight: Sight) -> Iterable[Trouble]:
    if sight.restored:
        yield Trouble(
            "restored",
            "this ledger is a copy from earlier, put back: texts are held",
            "once you know that nothing newer is lost: `relay texts on --after-restore`",
        )


def _parts(sight: Sight) -> Iterable[Trouble]:
    for part in sight.parts:
        yield Trouble(
            f"part:{part.partition(':')[0]}",
            f"a part of the relay does not do its work: {part}",
            "it is started again by itself; the log has the details",
        )


def _unwritten(sight: Sight) -> Iterable[Trouble]:
    if sight.unwritten is not None:
        yield Trouble(
            "unwritten",
            f"webhooks were answered 503: {sight.unwritten}",
            "their sender tries again, and backfill fetches what it gave up on; `relay doctor` looks at the disk; "
            "stop whatever else writes to the ledger",
        )


def _reload(sight: Sight) -> Iterable[Trouble]:
    if sight.reload is not None:
        yield Trouble(
            "reload",
            f"the changed configuration is not used: {sight.reload}",
            "`relay check` tells every mistake; until then the earlier one stays in force",
        )


def _erring(sight: Sight) -> Iterable[Trouble]:
    for name, count in sight.erring.items():
        yield Trouble(
            f"rule:{name}",
            f"the rule “{name}” failed on {count} events within an hour",
            "`relay why EVENT` says how; every other rule was judged all the same",
        )


def _silence(sight: Sight) -> Iterable[Trouble]:
    if sight.quiet is not None:
        yield Trouble(
            "silence",
            f"unusually few calls: {sight.quiet}",
            "ring one of your numbers; then see `relay doctor`, the call flows, and the phone system's status page",
        )


LOOKS: Mapping[str, Callable[[Sight], Iterable[Trouble]]] = {
    "overdue": _overdue,
    "breaker": _breaker,
    "paused": _paused,
    "dead": _dead,
    "unknown": _doubtful,
    "disk": _disk,
    "refused": _refused,
    "holes": _holes,
    "loop": _loop,
    "restored": _restored,
    "part": _parts,
    "reload": _reload,
    "unwritten": _unwritten,
    "rule": _erring,
    "silence": _silence,
}
"""Kind of cause → who looks for it; whoever else raises alerts sees to their end too."""
