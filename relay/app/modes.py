"""Rules switched by hand: what was said of their modes, in force above the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from relay.deeds import BadDeed, NoSuch
from relay.forms import unknown
from relay.models import CALLSCALER, SaidMode
from relay.rules import in_force, named, outdated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relay.models import Mode
    from relay.rules import Rule
    from relay.settings import Settings
    from relay.store import Store

log = structlog.get_logger(__name__)


class SaidModes:
    """What people said of rules, as the ledger keeps it."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._said: tuple[SaidMode, ...] = ()

    async def learn(self, settings: Settings) -> None:
        """Read what was said, and let go of what the file has overtaken.

        Raises:
            StoreBusy: the ledger could not be read or written.
        """
        said = await self._store.said_modes()
        overtaken = outdated(settings.rules, said)
        if overtaken:
            await self._store.unsay_modes(overtaken)
            log.info("the file's own mode changed, so what was said by hand is over", rules=overtaken)
        self._said = tuple(word for word in said if word.rule not in overtaken)

    async def learn_news(self, settings: Settings) -> bool:
        """The same while it runs: what cannot hold is told, once; answers whether any rule has another mode now.

        Raises:
            StoreBusy: as `learn`.
        """
        before, known = self.rules(settings), self.not_held(settings)
        await self.learn(settings)
        for warning in self.not_held(settings):
            if warning not in known:
                log.warning("worth a look", warning=warning)
        return self.rules(settings) != before

    def rules(self, settings: Settings) -> tuple[Rule, ...]:
        """The rules of the file in the modes that hold; one that cannot be live now stays as the file has it."""
        return tuple(
            before if before.mode != rule.mode == "live" and cannot_be_live(rule, settings) else rule
            for before, rule in zip(settings.rules, in_force(settings.rules, self._said), strict=True)
        )

    def not_held(self, settings: Settings) -> list[str]:
        """What was said and cannot hold now, a sentence each."""
        return list(not_held(settings, self._said).values())

    async def say(self, settings: Settings, name: str, mode: Mode) -> dict[str, Any]:
        """Keep a mode for a rule, above the file; answers what holds now and what the file says.

        Raises:
            NoSuch: there is no such rule.
            BadDeed: it cannot be live.
            StoreBusy: nothing was written.
        """
        rule = named(settings.rules, name)
        if rule is None:
            raise NoSuch(unknown(name, [rule.name for rule in settings.rules], "rule"))
        why = cannot_be_live(rule, settings) if mode == "live" else None
        if why is not None:
            raise BadDeed(why)
        if mode == rule.mode:
            await self._store.unsay_modes([rule.name])
        else:
            await self._store.say_mode(SaidMode(rule.name, mode, rule.mode, self._clock()))
        await self.learn(settings)
        log.info("a rule was switched by hand", rule=rule.name, mode=mode, file=rule.mode)
        return {"rule": rule.name, "mode": mode, "file": rule.mode}


def cannot_be_live(rule: Rule, settings: Settings) -> str | None:
    """Why this rule cannot be live as things are set up; None when it can."""
    verb = next((step.verb for step in rule.acting if step.connector == CALLSCALER), None)
    if verb is None or settings.can_call_back:
        return None
    return f"{rule.name} cannot be live: its `{verb}` needs the CallScaler API; set CALLSCALER_API_KEY"


def not_held(settings: Settings, said: Iterable[SaidMode]) -> dict[str, str]:
    """The rules by name that somebody said to be live, and that cannot be now: why, and in which mode they stay."""
    pairs = zip(settings.rules, in_force(settings.rules, said), strict=True)
    found = {
        before.name: (before, cannot_be_live(rule, settings))
        for before, rule in pairs
        if before.mode != rule.mode == "live"
    }
    return {
        name: f"{why}. Until then it stays {rule.mode}, as the file says, though it was switched to live by hand"
        for name, (rule, why) in found.items()
        if why is not None
    }


def with_modes(settings: Settings, said: Iterable[SaidMode]) -> Settings:
    """The same settings with the modes that were said by hand, for whoever only looks."""
    return replace(settings, rules=in_force(settings.rules, said))
