"""What `relay watch` shows, and what a key does to it: values, so that it can be tried without a terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay import phone
from relay.dashboard.words import done_about, event_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.hours import Business
    from relay.models import Event
    from relay.shown import Shown
    from relay.store.pages import Glance

KEYS = {"\x1b[A": "up", "k": "up", "\x1b[B": "down", "j": "down", "\r": "open", "\n": "open", "\x1b": "close"}
KEYS |= {"h": "close", "q": "quit", "\x03": "quit", "r": "replay", "y": "yes", "n": "no"}


def typed(text: str) -> list[str]:
    """What was typed, key by key: an arrow is one."""
    return re.findall(r"\x1b\[[A-D]|[\s\S]", text)


@dataclass(frozen=True, slots=True)
class Line:
    """One event in short."""

    id: str
    seq: int
    at: float
    kind: str
    who: str
    number: str
    done: str

    @classmethod
    def of(cls, event: Event, glance: Glance | None, shown: Shown) -> Line:
        """From an event and what was done about it."""
        name = event.call.get("caller_name")
        number = phone.national(event.caller) if event.caller else event.caller_raw or "withheld"
        return cls(
            event.id,
            event.seq,
            event.received_at,
            event_word(event).text,
            f"{name} {number}" if name else number,
            phone.national(event.number) if event.number else "",
            ", ".join(word.text for word in done_about(glance, shown)),
        )

    def text(self, hours: Business) -> str:
        """For a stream of lines."""
        clock = hours.local(self.at).strftime("%H:%M:%S")
        return f"{clock}  {self.kind:<10}  {self.who:<32}  {self.done}".rstrip()


@dataclass(frozen=True, slots=True)
class Screen:
    """What is on the screen."""

    lines: Sequence[Line] = ()
    chosen: str | None = None
    """The event that is pointed at; the newest where it is None."""
    opened: str | None = None
    """The event whose story is shown."""
    asking: str | None = None
    """The event that is to be replayed, if the answer is yes."""
    said: str = ""
    over: bool = False

    @property
    def at(self) -> int:
        """The place of the event that is pointed at."""
        return next((place for place, line in enumerate(self.lines) if line.id == self.chosen), 0)

    @property
    def pointed(self) -> str | None:
        """The id of the event that is pointed at."""
        return self.lines[self.at].id if self.lines else None

    def fresh(self, lines: Sequence[Line]) -> Screen:
        """The same with what the ledger says now."""
        return replace(self, lines=lines)

    def pressed(self, key: str) -> tuple[Screen, str | None]:
        """The screen after a key, and the event that is to be replayed, if that was confirmed."""
        does = KEYS.get(key)
        if self.asking is not None:
            confirmed = self.asking if does == "yes" else None
            return replace(self, asking=None, said="replaying …" if confirmed else "not replayed"), confirmed
        moves: Mapping[str | None, Screen] = {
            "up": self._moved(-1),
            "down": self._moved(1),
            "open": replace(self, opened=None if self.opened == self.pointed else self.pointed, said=""),
            "close": replace(self, opened=None, said=""),
            "quit": replace(self, over=True),
            "replay": replace(self, asking=self.pointed, said="" if self.pointed else "there is nothing to replay"),
        }
        return moves.get(does, self), None

    def _moved(self, by: int) -> Screen:
        if not self.lines:
            return self
        place = min(max(self.at + by, 0), len(self.lines) - 1)
        chosen = self.lines[place].id
        return replace(self, chosen=chosen, opened=chosen if self.opened else None, said="")


def changed(before: Mapping[str, Line], lines: Sequence[Line]) -> list[Line]:
    """Lines that are new or say something else than before, oldest first."""
    return [line for line in reversed(lines) if before.get(line.id) != line]
