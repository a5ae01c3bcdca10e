"""What a running relay shows of itself, from its settings and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.rules import say_span
from relay.rules.steps import RELAY
from relay.rules.ticks import DAYS, Cron, Daily, Every, Opening
from relay.shown import Reload, Shown, ShownConnector, ShownRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.rules import Rule
    from relay.rules.ticks import Tick
    from relay.settings import Settings
    from relay.worker import Channel


def show(
    settings: Settings,
    rules: Sequence[Rule],
    channels: Mapping[str, Channel],
    under_way: Mapping[str, int],
    reload: Reload | None,
    reasons: Sequence[str],
) -> Shown:
    """One relay at this moment; `rules` in the modes that hold."""
    written = {rule.name: rule.mode for rule in settings.rules}
    total = settings.policy.total
    return Shown(
        business=settings.about.name,
        hours=settings.about.hours,
        rules=tuple(_rule(rule, written.get(rule.name, rule.mode)) for rule in rules),
        connectors=tuple(
            ShownConnector(
                name,
                _type(item.cls.__module__, name),
                under_way.get(name, 0),
                channels[name].concurrency if name in channels else 0,
            )
            for name, item in settings.connectors.items()
        ),
        sources=tuple(settings.sources),
        texts_total=total.most,
        texts_window=total.span,
        version=settings.version,
        file="" if settings.path is None else str(settings.path),
        written=settings.text,
        reload=reload,
        warnings=tuple(str(warning) for warning in settings.warnings),
        reasons=tuple(reasons),
    )


def _rule(rule: Rule, written: str) -> ShownRule:
    when = sorted(rule.when) or [_said(tick) for tick in rule.ticks]
    connectors = {step.connector: None for step in rule.acting if step.connector != RELAY}
    return ShownRule(rule.name, rule.version, rule.mode, written, tuple(when), rule.texts, tuple(connectors))


def _said(tick: Tick) -> str:
    """A time that comes again, in words: every day at 06:10."""
    match tick:
        case Every(span):
            return f"every {say_span(span)}"
        case Daily(clock, days):
            said = "day" if len(days) == len(DAYS) else ", ".join(DAYS[day].capitalize() for day in days)
            return f"every {said} at {clock}"
        case Cron(line):
            return f"cron {line}"
        case Opening(edge, plus):
            return f"{say_span(plus)} after {edge}" if plus else f"at {edge}"
    return "by the clock"


def _type(module: str, name: str) -> str:
    """The kind of service, as its module is called: `connectors.slack` is slack."""
    return module.partition(".")[2].partition(".")[0] or name
