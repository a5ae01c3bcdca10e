"""What a check is given, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from relay.callscaler import CallScaler
    from relay.connector import Connector
    from relay.http import Http
    from relay.intake import Source
    from relay.numbers import Drift
    from relay.store import Store

Word = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` says in one line what to do, where something is to be done."""

    word: Word
    said: str
    remedy: str = ""


def fine(said: str) -> Finding:
    """All is well."""
    return Finding("ok", said)


def note(said: str, remedy: str = "") -> Finding:
    """Worth knowing, and no fault."""
    return Finding("note", said, remedy)


def wrong(said: str, remedy: str) -> Finding:
    """Something does not work."""
    return Finding("problem", said, remedy)


@dataclass(frozen=True)
class Bench:
    """A relay as it is set up, seen from beside it: nothing here needs a running service, and nothing changes one."""

    clock: Callable[[], float]
    http: Http
    """Under the network rules of the configuration."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    connectors: Mapping[str, Connector[Any, Any]] = field(default_factory=dict)
    """Without the phone system."""
    phone: CallScaler | None = None
    base_url: str = ""
    """Of the phone system's API."""
    texts: bool = False
    """Whether any rule texts callers."""
    warnings: Sequence[str] = ()
    """About the configuration."""
    through: str = ""
    """Where senders reach the relay; empty where nobody said."""
    listen: str = ""
    """HOST:PORT at which webhooks come in on this machine."""
    drift: Callable[[], Awaitable[Sequence[Drift]]] | None = None
    """What the phone system says against the declared groups; None where none are declared, or it cannot be asked."""
    store: Store | None = None
    """The ledger, for reading; None where there is none yet."""
    fault: str = ""
    """Why there is a ledger, and it cannot be read."""
    folder: Path | None = None
    """Where the ledger's file stands."""


Check = Callable[[Bench], Awaitable[list[Finding]]]
