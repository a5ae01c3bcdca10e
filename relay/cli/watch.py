"""`relay watch`: what comes in, while it comes in."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from relay.cli.common import config_option, config_path, json_option, limit_option, read_ledger, store_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from relay.cli.watching import Line, Screen
    from relay.shown import Shown
    from relay.store import Store

EVERY = 0.5
"""Seconds between two looks at the ledger."""
NOTHING = (
    "nothing came in yet: each call is shown here as it comes, and what was done about it; `relay send missed-call` "
    "posts a sample, `relay doctor` proves the way"
)
_HELP = "↑↓ choose · enter story · r replay · q end"


@click.command(epilog="Example: relay watch")
@config_option
@store_option
@limit_option
@click.option("--once", is_flag=True, help="Say what there is, and end.")
@json_option
def watch(config: str | None, store: str | None, limit: int, *, once: bool, as_json: bool) -> None:
    """What comes in and what is done about it, live: on a terminal a list to walk through, else line by line."""
    path = str(config_path(config))
    shown = _shown(path)
    live = sys.stdout.isatty() and sys.stdin.isatty() and not as_json and not once
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        if live:
            read_ledger(config, store, lambda ledger: _on_screen(ledger, shown, limit, path, store))
        else:
            read_ledger(config, store, lambda ledger: _lines(ledger, shown, limit, once=once, as_json=as_json))


def _shown(path: str) -> Shown:
    """The rules and the clock of the business; a file with mistakes still lets one watch."""
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.app.showing import show  # noqa: PLC0415 - quick help
    from relay.errors import ConfigError  # noqa: PLC0415 - quick help
    from relay.settings import read_settings  # noqa: PLC0415 - quick help
    from relay.shown import Shown  # noqa: PLC0415 - quick help

    try:
        settings = read_settings(config_path(path), CONNECTORS, os.environ)
    except ConfigError:
        return Shown()
    return show(settings, settings.rules, {}, {}, None, ())


async def _look(ledger: Store, shown: Shown, limit: int) -> list[Line]:
    """The newest events with what was done about each, newest first."""
    from relay.cli.watching import Line  # noqa: PLC0415 - quick help

    events = await ledger.events(limit=limit)
    glances = await ledger.glances([event.id for event in events]) if events else {}
    return [Line.of(event, glances.get(event.id), shown) for event in events]


async def _lines(ledger: Store, shown: Shown, limit: int, *, once: bool, as_json: bool) -> None:
    """Each event as it comes, and again whenever something was done about it."""
    from relay.cli.watching import changed  # noqa: PLC0415 - quick help

    told: dict[str, Line] = {}
    pulse: tuple[int, ...] | None = None
    while True:
        now = await ledger.pulse()
        if now != pulse:
            lines = await _look(ledger, shown, limit)
            if pulse is None and not lines:
                click.echo(NOTHING, err=True)
            pulse = now
            for line in changed(told, lines):
                sys.stdout.write((_json(line) if as_json else line.text(shown.hours)) + "\n")
            sys.stdout.flush()
            told = {line.id: line for line in lines}
        if once:
            return
        await asyncio.sleep(EVERY)


def _json(line: Line) -> str:
    from relay.models import iso  # noqa: PLC0415 - quick help

    told = {"event": line.id, "at": iso(line.at), "kind": line.kind, "caller": line.who, "number": line.number}
    return json.dumps({**told, "done": line.done}, ensure_ascii=False)


async def _on_screen(ledger: Store, shown: Shown, limit: int, path: str, store: str | None) -> None:
    """The list, walked through by keys."""
    from rich.live import Live  # noqa: PLC0415 - quick help

    from relay.cli.watching import Screen  # noqa: PLC0415 - quick help

    screen, pulse = Screen(), None
    keys: asyncio.Queue[str] = asyncio.Queue()
    with _raw(keys), Live(screen=True, auto_refresh=False) as live:
        while not screen.over:
            now = await ledger.pulse()
            if now != pulse:
                pulse = now
                screen = screen.fresh(await _look(ledger, shown, limit))
            story = await _story(ledger, screen.opened, shown) if screen.opened else None
            live.update(_drawn(screen, story, shown, live.console.size.height), refresh=True)
            try:
                async with asyncio.timeout(EVERY):
                    key = await keys.get()
            except TimeoutError:
                continue
            screen, replay = screen.pressed(key)
            if replay is not None:
                screen = replace(screen, said=await asyncio.to_thread(_replay, path, store, replay))


@contextlib.contextmanager
def _raw(keys: asyncio.Queue[str]) -> Iterator[None]:
    """Keys as they are pressed, one by one, and the terminal as it was afterwards."""
    import termios  # noqa: PLC0415 - where there are terminals
    import tty  # noqa: PLC0415 - as above

    from relay.cli.watching import typed  # noqa: PLC0415 - quick help

    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin)

    def pressed() -> None:
        for key in typed(os.read(stdin, 64).decode("utf-8", "replace")):
            keys.put_nowait(key)

    loop.add_reader(stdin, pressed)
    try:
        yield
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


async def _story(ledger: Store, event: str, shown: Shown) -> str:
    """What `relay why` says of an event."""
    from relay.cli.trace import print_why, read_told  # noqa: PLC0415 - quick help

    trace = await read_told(ledger, event)
    if trace is None:
        return "this event is gone"
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print_why(trace, shown.hours.zone)
    return out.getvalue()


def _drawn(screen: Screen, story: str | None, shown: Shown, high: int) -> RenderableType:
    """The list above, the story of the event that is pointed at below, the keys at the foot."""
    from rich.console import Group  # noqa: PLC0415 - quick help
    from rich.table import Table  # noqa: PLC0415 - quick help
    from rich.text import Text  # noqa: PLC0415 - quick help

    room = max(3, (high - 4) // (2 if story else 1))
    first = max(0, min(screen.at - room // 2, len(screen.lines) - room))
    table = Table(box=None, pad_edge=False, expand=True, header_style="bold")
    for name, options in (
        ("when", {"width": 8}),
        ("what", {"width": 10}),
        ("who", {"ratio": 2}),
        ("done", {"ratio": 3}),
    ):
        table.add_column(name, no_wrap=True, overflow="ellipsis", **options)  # type: ignore[arg-type]
    for line in screen.lines[first : first + room]:
        clock = shown.hours.local(line.at).strftime("%H:%M:%S")
        cells = (Text(cell) for cell in (clock, line.kind, line.who, line.done))
        table.add_row(*cells, style="reverse" if line.id == screen.pointed else "")
    parts: list[RenderableType] = [table if screen.lines else Text(NOTHING)]
    if story:
        parts += [Text(""), Text("\n".join(story.splitlines()[: high - room - 4]))]
    foot = "replay this event? y or n" if screen.asking else screen.said or _HELP
    return Group(*parts, Text(""), Text(foot, style="bold" if screen.asking or screen.said else "dim"))


def _replay(path: str, store: str | None, event: str) -> str:
    """Do the whole event again as a late one, as `relay replay --event` does; what came of it, in a line."""
    from relay.cli.acting import act  # noqa: PLC0415 - quick help

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            came = act(path, store, "replay", {"event": event})
    except SystemExit:
        return said.getvalue().strip().splitlines()[-1] if said.getvalue().strip() else "it could not be replayed"
    return ", ".join(f"{name} {value}" for name, value in came.items() if not isinstance(value, (dict, list)))
