"""`relay demo`: watch it work."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relay.cli.common import CONFIG, FAILURE, USAGE, print_json, start_logging, stop
from relay.errors import StoreUnusable
from relay.settings import read_place
from relay.store.place import Place, open_ledger

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from rich.live import Live
    from rich.table import Table

    from relay.demo import Demo
    from relay.demo.world import World

_RECENT = 14
_OWN = "the demo counts a whole day, so it needs a ledger of its own"


@click.command(epilog="Example: relay demo --once")
@click.option("--once", is_flag=True, help="End when everything owed is settled.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print the summary as one JSON object.")
@click.option(
    "--port", default=0, type=click.IntRange(0, 65533), help="Where webhooks come in; the next two are taken too."
)
@click.option("--store", metavar="URL", help="Keep the ledger there: sqlite:///demo.db. A temporary one by default.")
def demo(*, once: bool, as_json: bool, port: int, store: str | None) -> None:
    """Play a scripted day of calls against stand-ins for CallScaler, Slack, Google Sheets and a CRM.

    Nothing leaves this machine. Without --once the world stays up afterwards, with a page to make more calls.
    """
    start_logging()
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="relay-demo-") as folder:
        place = Place(Path(folder) / "demo.db") if store is None else _named(store)
        try:
            played = asyncio.run(_ending_well(_play(place, port, once=once, as_json=as_json)))
        except StoreUnusable as error:
            stop(CONFIG, str(error))
        except TimeoutError:
            stop(FAILURE, "the day did not come to its end in time")
        except OSError as error:
            stop(FAILURE, f"cannot listen: {error.strerror or error}; see --port")
        except (KeyboardInterrupt, asyncio.CancelledError):
            if once:
                stop(FAILURE, "stopped before the day was over")
            return
    if as_json:
        print_json(played.summary.public())
    for difference in played.differences:
        click.echo(difference, err=True)
    sys.exit(FAILURE if played.differences else 0)


def _named(store: str) -> Place:
    """The ledger that was named, which must be new."""
    try:
        place = read_place(store)
    except ValueError as error:
        stop(USAGE, str(error))
    if place.file is not None and place.file.exists():
        stop(USAGE, f"{place.file} exists; {_OWN}")
    if place.address is not None and not asyncio.run(_is_empty(place)):
        stop(USAGE, f"the database holds events; {_OWN}")
    return place


async def _is_empty(place: Place) -> bool:
    try:
        ledger = await open_ledger(place)
    except StoreUnusable as error:
        stop(CONFIG, str(error))
    try:
        return await ledger.event("last") is None
    finally:
        await ledger.close()


async def _ending_well(played: Coroutine[Any, Any, Demo]) -> Demo:
    """The same, which SIGTERM calls off: the world comes down in order."""
    task = asyncio.ensure_future(played)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _play(place: Place, port: int, *, once: bool, as_json: bool) -> Demo:
    from relay.demo import play  # noqa: PLC0415 - quick help

    screen = _Screen(as_json=as_json)
    for handler in logging.getLogger().handlers:
        handler.addFilter(screen.is_news)

    async def said(world: World, line: str) -> None:
        screen.tell(line)
        await screen.draw(world)

    async def after(world: World, played: Demo) -> None:
        await screen.draw(world)
        screen.stop()
        if not as_json:
            _tell(world, played)
        if not once:
            click.echo(f"\nthe dashboard is at http://127.0.0.1:{world.app.admin_port}/")
            click.echo(f"make more calls at {world.sandbox.url}/ (ledger {_told(place)}); Ctrl-C ends the demo")
            await asyncio.Event().wait()

    try:
        return await play(place, port=port, said=said, after=after)
    finally:
        screen.stop()


class _Screen:
    """What a person sees of the day: a table that is drawn again, or its lines where there is no terminal."""

    def __init__(self, *, as_json: bool) -> None:
        self._lines: list[str] = []
        self._silent = as_json
        self._live = None if as_json or not sys.stdout.isatty() else _live()
        if self._live is not None:
            self._live.start()

    def tell(self, line: str) -> None:
        """One more thing that happened."""
        self._lines.append(line)
        if self._live is None and not self._silent:
            click.echo(line)

    async def draw(self, world: World) -> None:
        """The table as things stand."""
        if self._live is not None:
            self._live.update(await _table(world, self._lines))

    def stop(self) -> None:
        """Leave the terminal as it is."""
        if self._live is not None:
            self._live.stop()

    def is_news(self, record: logging.LogRecord) -> bool:
        """Whether a line of the log is more than what the day itself brings about, which is told as a part of it."""
        from relay.demo.day import SLACK_DOWN  # noqa: PLC0415 - quick help

        event = record.msg if isinstance(record.msg, dict) else {}
        if event.get("connector") != "team" or SLACK_DOWN not in self._lines:
            return True
        self.tell(f"  team {event.get('why')}: what is owed to it waits")
        return False


def _told(place: Place) -> str:
    return "in PostgreSQL" if place.file is None else str(place.file)


def _live() -> Live:
    from rich.live import Live  # noqa: PLC0415 - quick help

    return Live(refresh_per_second=12, transient=False)


async def _table(world: World, lines: list[str]) -> Table:
    """The day so far: the last acts, and what has arrived where."""
    from rich.table import Table  # noqa: PLC0415 - quick help
    from rich.text import Text  # noqa: PLC0415 - quick help

    states = Counter(await world.store.states())
    table = Table(title="Bright Plumbing, 3 March, from 10 o'clock (nothing leaves this machine)", title_justify="left")
    table.add_column("what happens", min_width=50, no_wrap=True)
    table.add_column("what arrived")
    arrived = [
        f"calls           {len(world.sandbox.calls())}",
        f"Slack messages  {len(world.slack.messages)}" + ("  (down)" if world.slack.down else ""),
        f"sheet rows      {len(world.google.rows('Calls'))}",
        f"CRM contacts    {len(world.crm.contacts)}",
        f"archived        {len(world.sink.bodies)}",
        f"texts           {len(world.sandbox.texts())}",
        "",
        *(f"{state:<15} {count}" for state, count in sorted(states.items())),
    ]
    recent = lines[-_RECENT:]
    for index in range(max(_RECENT, len(arrived))):
        left = recent[index] if index < len(recent) else ""
        table.add_row(Text(left), Text(arrived[index] if index < len(arrived) else ""))
    return table


def _tell(world: World, played: Demo) -> None:
    summary = played.summary
    click.echo(f"\n{summary.events} events in {summary.seconds} s; what was owed is settled:")
    for kind, number in summary.delivered.items():
        click.echo(f"  {kind:<14} {number:>4} delivered")
    click.echo(f"  {'suppressed':<14} {summary.suppressed:>4} runs that a guard stopped")
    click.echo(f"  {'duplicates':<14} {summary.duplicates:>4} webhooks that came again and did nothing")
    click.echo(f"  {'refused':<14} {summary.refused:>4} requests that could not prove themselves")
    click.echo(f"  {'dead':<14} {summary.dead:>4} given up on")
    texts = world.sandbox.texts()
    if texts:
        click.echo(f"the first text: to {texts[0]['to']}: {texts[0]['body']}")
    if not played.differences:
        click.echo("the ledger and the stand-ins agree on every count")
