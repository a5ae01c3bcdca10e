"""What a running relay shows of itself, from its settings and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.rules.steps import RELAY
from relay.shown import Reload, Shown, ShownConnector, ShownRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.rules import Rule
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
    when = sorted(rule.when) or ["by the clock"]
    connectors = {step.connector: None for step in rule.acting if step.connector != RELAY}
    return ShownRule(rule.name, rule.version, rule.mode, written, tuple(when), rule.texts, tuple(connectors))


def _type(module: str, name: str) -> str:
    """The kind of service, as its module is called."""
    return next((part for part in module.split(".")[1:2]), name)
