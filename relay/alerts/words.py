"""What is told of alerts, and when: opened at once, reminded of now and then, and that it is over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.rules import say_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.models import Alert

REMIND = (4 * 3600.0, 86400.0)
"""Seconds until somebody is reminded, the first time and every later one."""
CALM = 60.0
"""Seconds that something must be over before it is said to be: what comes and goes is told once."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told at once, and of which alerts."""

    subject: str
    text: str
    alerts: tuple[int, ...]
    key: str
    """The same for the same news."""


def news(alerts: Iterable[Alert], business: str, now: float) -> Message | None:
    """What there is to tell at `now`, Unix seconds; None where everybody knows."""
    lines, told = [], []
    for alert in sorted(alerts, key=lambda alert: alert.id):
        line = _line(alert, now)
        if line is not None:
            lines.append(line)
            told.append(alert)
    if not lines:
        return None
    key = "-".join(f"{alert.id}.{alert.told}{'x' if alert.closed_at else ''}" for alert in told)[:100]
    return Message(_subject(told, business), "\n\n".join(lines), tuple(alert.id for alert in told), f"alert-{key}")


def _line(alert: Alert, now: float) -> str | None:
    if alert.closed_at is not None:
        news = alert.told_at is not None and alert.told_at < alert.closed_at <= now - CALM
        return f"Over: {alert.what} (after {say_span(alert.closed_at - alert.opened_at)})" if news else None
    if alert.told_at is None:
        return f"Problem: {alert.what}\nWhat to do: {alert.remedy}"
    if now - alert.told_at < REMIND[min(alert.told, len(REMIND)) - 1]:
        return None
    return f"Still, for {say_span(now - alert.opened_at)}: {alert.what}\nWhat to do: {alert.remedy}"


def _subject(alerts: Sequence[Alert], business: str) -> str:
    open_ = [alert for alert in alerts if alert.closed_at is None]
    if not open_:
        return f"{business}: over again"
    return f"{business}: {open_[0].what}" if len(open_) == 1 else f"{business}: {len(open_)} problems"
