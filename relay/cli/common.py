"""What several commands share: the configuration, the ledger, exit codes, and how things are printed."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import click

from relay.cli.environment import load_beside
from relay.errors import ConfigError, StoreBusy, StoreUnusable

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    from relay.settings import Settings
    from relay.store import Store
    from relay.store.place import Place

T = TypeVar("T")
C = TypeVar("C", bound="Callable[..., Any]")

FAILURE, USAGE, CONFIG, NOT_FOUND, REMOTE, FOUND = 1, 2, 3, 4, 5, 6
"""Exit codes of the contract."""

config_option = click.option(
    "-c", "--config", "config", default=None, type=click.Path(readable=False), help="The configuration file."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
limit_option = click.option(
    "-n", "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many."
)
store_option = click.option(
    "--store",
    default=None,
    metavar="URL",
    help="The ledger, instead of the configured one.",
    callback=lambda context, _, value: value or context.find_root().params.get("store"),
)


def ledger_options(command: C) -> C:
    """The options of every command that speaks of a ledger: `--config`, `--store`, `--json`."""
    return config_option(store_option(json_option(command)))


def stop(code: int, message: str) -> NoReturn:
    """End with a message on stderr, after what was logged, if anybody can take it."""
    import logging  # noqa: PLC0415 - quick help

    for handler in logging.getLogger().handlers:
        handler.flush()
    try:
        click.echo(message, err=True)
    except OSError:
        # Else Python tries again at its end, and exits with a code of its own.
        sys.stderr = None
    raise SystemExit(code)


def config_path(config: str | None) -> Path:
    """The configuration file: the command's own option, else the group's; `.env` beside it is read now."""
    chosen = Path(config or click.get_current_context().find_root().obj or "config/relay.yaml")
    load_beside(chosen)
    return chosen


def settings_of(config: str | None) -> Settings:
    """The configuration, or exit 3 with every mistake on stderr."""
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.settings import read_settings  # noqa: PLC0415 - quick help

    try:
        return read_settings(config_path(config), CONNECTORS, os.environ)
    except ConfigError as error:
        stop(CONFIG, str(error))


def ledger_place(config: str | None, store: str | None) -> Place:
    """Where the ledger is, without demanding that the whole configuration be sound; exit 3 when nothing says it."""
    from relay.settings import find_ledger  # noqa: PLC0415 - quick help

    try:
        return find_ledger(config_path(config), os.environ, store)
    except (ConfigError, ValueError) as error:
        stop(CONFIG, str(error))


def no_event(reference: str) -> str:
    """What is said of an event that the ledger does not hold."""
    if reference == "last":
        return "the ledger holds no event yet; `relay send missed-call` sends one to a running relay"
    return f"there is no event {reference}; `relay events` lists them"


def read_ledger(config: str | None, store: str | None, read: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """Run a reading of the ledger beside whatever service is running; exit 3 when it cannot be read.

    Before the first start there is nothing in it, which is said on stderr; no file is made.
    """
    from relay.store.place import Place, open_ledger  # noqa: PLC0415 - quick help
    from relay.store.sealing import read_keys  # noqa: PLC0415 - quick help

    place = ledger_place(config, store)
    unborn = place.file is not None and not place.file.exists() and place.file.parent.is_dir()
    if unborn:
        click.echo(f"nothing came in yet: `relay serve` makes {place.file} on its first start", err=True)

    async def run() -> T:
        keys = read_keys(os.environ)  # one that is none is a mistake before the first start, too
        ledger = await open_ledger(Place()) if unborn else await open_ledger(place, read_only=True, keys=keys)
        try:
            return await read(ledger)
        finally:
            await ledger.close()

    try:
        return asyncio.run(run())
    except StoreUnusable as error:
        stop(CONFIG, str(error))
    except StoreBusy as error:
        stop(FAILURE, str(error))


def place_of(settings: Settings, store: str | None) -> Place:
    """Where the ledger is: the configured one, or what `--store` names; exit 3 for what is no address of one."""
    from relay.settings import store_place  # noqa: PLC0415 - quick help

    try:
        return store_place(settings, store)
    except ValueError as error:
        stop(CONFIG, str(error))


def running_at(settings: Settings, store: str | None) -> str:
    """The HOST:PORT at which the running service takes webhooks; the configured one where none says another."""
    from relay.store.place import public_address  # noqa: PLC0415 - quick help

    return public_address(place_of(settings, store)) or settings.server.listen


def since_when(written: str, zone: str) -> float:
    """Unix seconds from 7d, 12h, or 2026-03-01 on a zone's clock; exit 2 for anything else."""
    from relay.models import seconds  # noqa: PLC0415 - quick help

    try:
        if re.fullmatch(r"[\d.]+ ?[a-z].*", written):
            return time.time() - seconds(written)
        moment = dt.datetime.fromisoformat(written)
    except ValueError:
        stop(USAGE, f"`{written}` is no time; write 7d, 12h, or 2026-03-01")
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).timestamp()


def zone_of(config: str | None) -> str:
    """The business's time zone, without demanding that the whole configuration be sound; UTC where it is not told."""
    from relay.errors import ConfigError  # noqa: PLC0415 - quick help
    from relay.hours import read_zone  # noqa: PLC0415 - quick help
    from relay.settings.yaml_file import read_document  # noqa: PLC0415 - quick help

    try:
        business = read_document(config_path(config)).tree.get("business")
        return read_zone(business["timezone"])
    except (ConfigError, KeyError, TypeError, ValueError):
        return "UTC"


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str, indent=None) + "\n")


def _coloured() -> bool:
    """Whether log lines may be coloured: on a terminal, unless NO_COLOR says otherwise (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def tell(came: Mapping[str, Any], sentence: str, *, as_json: bool) -> None:
    """What came of a deed: as JSON, or in a sentence."""
    if as_json:
        print_json(came)
    else:
        click.echo(sentence)


@contextlib.contextmanager
def busy(what: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr, to people only, that something takes its time; what is yielded changes the words."""
    from rich.console import Console  # noqa: PLC0415 - quick help

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda words: None  # noqa: ARG005 - nobody looks
        return
    with console.status(what) as status:
        yield status.update


def start_logging(level: str = "INFO", handler: logging.Handler | None = None) -> None:
    """Log lines to stderr (or to a `handler`), from `level` on: text for people, JSON where RELAY_LOG=json.

    Nothing is logged with the values of variables: a trace would tell bodies and secrets.
    """
    import logging  # noqa: PLC0415 - quick help

    import structlog  # noqa: PLC0415 - quick help

    from relay.cli.logs import on_one_line, trace, without_numbers  # noqa: PLC0415 - quick help

    as_json = os.environ.get("RELAY_LOG", "text") == "json"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [on_one_line, structlog.dev.ConsoleRenderer(colors=_coloured(), exception_formatter=trace)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers, without_numbers],
        )
    )
    handler.addFilter(_without_strangers_traces)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def _without_strangers_traces(record: logging.LogRecord) -> bool:
    """Bytes that are no HTTP are a stranger's doing: one line of our log, never a screenful."""
    kind = record.exc_info[0] if record.exc_info else None
    if record.name.startswith("aiohttp") and kind is not None and kind.__module__.startswith("aiohttp"):
        record.msg, record.args = "a request that is no sound HTTP was refused: %s", (kind.__name__,)
        record.exc_info = record.exc_text = None
    return True
