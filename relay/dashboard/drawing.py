"""Templates and what they may say: all is escaped, times are the business's, numbers read as people write them."""

from __future__ import annotations

import datetime as dt
import json
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from relay import phone
from relay.dashboard import charts, words
from relay.shown import stand_of

if TYPE_CHECKING:
    from relay.hours import Business

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@lru_cache(1)
def environment() -> Environment:
    """The templates, read once."""
    env = Environment(
        loader=PackageLoader("relay.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters |= {
        "tel": tel,
        "day": day,
        "clock": clock,
        "when": when,
        "span": span,
        "unix": unix,
        "flat": flat,
        "ticked": ticked,
        "sentence": sentence,
        "json": readable,
        "count": count,
    }
    env.globals |= {
        "chart": charts,
        "event_word": words.event_word,
        "state_word": words.state_word,
        "verdict_word": words.verdict_word,
        "connector_word": words.connector_word,
        "kind_word": words.kind_word,
        "mode_word": words.mode_word,
        "when_words": words.when_words,
        "does_words": words.does_words,
        "run_word": words.run_word,
        "change_word": words.change_word,
        "stand_of": stand_of,
    }
    return env


@lru_cache(1)
def stylesheet() -> str:
    """The stylesheet, which the sign-in page carries in itself: without a token nothing else is served."""
    return resources.files("relay.dashboard").joinpath("static", "style.css").read_text(encoding="utf-8")


@lru_cache(8)
def static_files() -> dict[str, tuple[bytes, str]]:
    """Name → (what is in it, media type): the files that there are at the start, and no others."""
    kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    folder = resources.files("relay.dashboard").joinpath("static")
    return {
        item.name: (item.read_bytes(), kinds[item.name.rpartition(".")[2]])
        for item in folder.iterdir()
        if item.name.rpartition(".")[2] in kinds
    }


def tel(number: str | None) -> str:
    """A number as people of its country write it."""
    return phone.national(number) if number else "withheld"


def clock(at: float, hours: Business) -> str:
    """10:42:07 on the business's clock."""
    return hours.local(at).strftime("%H:%M:%S")


def day(at: float, hours: Business) -> str:
    """Tuesday 3 March."""
    local = hours.local(at)
    return f"{local:%A} {local.day} {local:%B}"


def when(at: float | None, hours: Business, now: float) -> str:
    """A moment as short as it can be told from now: 10:42, Mon 10:42, 3 Mar 10:42, 3 Mar 2025."""
    if at is None:
        return ""
    local, today = hours.local(at), hours.local(now)
    if local.date() == today.date():
        return local.strftime("%H:%M")
    if abs(local.date() - today.date()) < dt.timedelta(days=6):
        return local.strftime("%a %H:%M")
    if local.year == today.year:
        return f"{local.day} {local:%b %H:%M}"
    return f"{local.day} {local:%b %Y}"


def ticked(words: str) -> Markup:
    """Words with what stands in backticks as code."""
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return escape(words)
    drawn = (Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts))
    return Markup("").join(drawn)


def sentence(words: str) -> str:
    """The same, beginning with a capital."""
    return words[:1].upper() + words[1:]


def flat(written: str) -> str:
    """What a deed was told, without the marks of JSON: rule Text back, mode off."""
    try:
        told = json.loads(written)
    except ValueError:
        return written
    if not isinstance(told, dict):
        return written
    said = ((name, ", ".join(map(str, value)) if isinstance(value, list) else value) for name, value in told.items())
    return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in said if value not in (None, ""))


def unix(moment: str) -> float:
    """Unix seconds of a moment in ISO 8601."""
    return dt.datetime.fromisoformat(moment).timestamp()


def span(seconds: float | None) -> str:
    """A span of time in its two largest units: 3 min 20 s."""
    if seconds is None:
        return ""
    left = int(seconds)
    if left < 1 and seconds > 0:
        return f"{max(1, round(seconds * 1000))} ms"
    parts: list[str] = []
    for size, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s")):
        if left >= size and len(parts) < 2:  # noqa: PLR2004 - two units say enough
            parts.append(f"{left // size} {name}")
            left %= size
    return " ".join(parts) or "0 s"


def count(number: int, one: str, many: str = "") -> str:
    """1 call, 2 calls, 12,345 calls."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def readable(value: Any) -> str:
    """JSON with its names under each other."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
