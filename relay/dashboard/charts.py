"""Charts as SVG, drawn here: no script, no inline style; every one says in words what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS, _LINES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000), 4
_HIGH, _FOOT, _HEAD = 120.0, 20.0, 18.0


def hours(answered: Sequence[int], other: Sequence[int], usual: Sequence[float], now: int) -> Markup:
    """Bars of 24 hours, what was answered below what was not, and a line of what is usual."""
    most = max([1.0, *(a + o for a, o in zip(answered, other, strict=True)), *usual])
    wide, slot = 720.0, 30.0
    scale = _HIGH / most
    parts: list[str] = [_grid(most, scale, wide)]
    for hour in range(24):
        x = hour * slot + 5
        tall, taller = answered[hour] * scale, other[hour] * scale
        told = f"{hour}:00: {answered[hour] + other[hour]} calls, {answered[hour]} answered; usually {usual[hour]:.1f}"
        base = _HEAD + _HIGH
        parts.append(
            f'<g><title>{told}</title><rect class="hit" x="{x - 5:g}" y="{_HEAD:g}" width="{slot:g}" '
            f'height="{_HIGH:g}"/><rect class="answered" x="{x:g}" y="{base - tall:.1f}" width="20" rx="2" '
            f'height="{tall:.1f}"/><rect class="missed" x="{x:g}" y="{base - tall - taller:.1f}" width="20" rx="2" '
            f'height="{taller:.1f}"/></g>'
        )
        if hour % 3 == 0:
            parts.append(f'<text x="{x + 10:g}" y="{base + 15:g}" text-anchor="middle">{hour}</text>')
    line = " ".join(f"{hour * slot + 15:g},{_HEAD + _HIGH - usual[hour] * scale:.1f}" for hour in range(24))
    if any(usual):
        parts.append(f'<polyline class="usual" points="{line}"/>')
    if 0 <= now < 24:  # noqa: PLR2004 - hours of a day
        parts.append(f'<line class="now" x1="{now * slot + 15:g}" x2="{now * slot + 15:g}" y1="2" y2="{_HEAD - 2:g}"/>')
    whole = f"{sum(answered) + sum(other)} calls today, {sum(answered)} answered"
    return _svg("chart hours", wide, _HEAD + _HIGH + _FOOT, whole, "".join(parts))


def _grid(most: float, scale: float, wide: float) -> str:
    step = next((size for size in _STEPS if most / size <= _LINES), round(most / _LINES) or 1)
    lines = range(step, int(most) + 1, step)
    return "".join(
        f'<line class="grid" x1="0" x2="{wide:g}" y1="{_HEAD + _HIGH - value * scale:.1f}" '
        f'y2="{_HEAD + _HIGH - value * scale:.1f}"/>'
        f'<text class="grid" x="{wide - 2:g}" y="{_HEAD + _HIGH - value * scale - 3:.1f}" '
        f'text-anchor="end">{value}</text>'
        for value in lines
    )


def spark(values: Sequence[float], what: str) -> Markup:
    """A small line of values over days."""
    wide, high = 120.0, 28.0
    most = max([1.0, *values])
    step = wide / max(1, len(values) - 1)
    points = " ".join(f"{n * step:.1f},{high - 2 - value / most * (high - 4):.1f}" for n, value in enumerate(values))
    return _svg("spark", wide, high, what, f'<polyline points="{points}"/>')


def share(parts: Sequence[tuple[str, int]]) -> Markup:
    """One bar, cut into shares; each with its name as class and in its title."""
    whole = sum(number for _, number in parts) or 1
    at, drawn = 0.0, []
    for name, number in parts:
        width = 300.0 * number / whole
        drawn.append(
            f'<rect class="v-{escape(name)}" x="{at:.1f}" width="{max(0.0, width - 1):.1f}" height="8">'
            f"<title>{escape(name)}: {number}</title></rect>"
        )
        at += width
    told = ", ".join(f"{name} {number}" for name, number in parts) or "nothing yet"
    return _svg("share", 300.0, 8.0, told, "".join(drawn), stretch=True)


def meter(value: float, most: float, what: str) -> Markup:
    """How much of a limit is used."""
    used = 100.0 * min(1.0, value / most) if most else 0.0
    mood = "full" if most and value >= most else ("near" if most and value >= 0.8 * most else "fine")
    bar = '<rect class="{}" width="{:.1f}" height="6" rx="3"/>'
    return _svg("meter", 100.0, 6.0, what, bar.format("track", 100.0) + bar.format(mood, used), stretch=True)


def _svg(kind: str, wide: float, high: float, what: str, inner: str, *, stretch: bool = False) -> Markup:
    ratio = ' preserveAspectRatio="none"' if stretch else ""
    return Markup(  # noqa: S704 - numbers, and escaped words
        f'<svg class="{kind}" viewBox="0 0 {wide:g} {high:g}"{ratio} role="img" aria-label="{escape(what)}">'
        f"{inner}</svg>"
    )
