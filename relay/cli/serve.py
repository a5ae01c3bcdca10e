"""`relay serve` and `relay url`."""

from __future__ import annotations

import asyncio
import errno
import gc
import ipaddress
import os
import re
import resource
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING

import click
import structlog

from relay.cli.common import (
    CONFIG,
    FAILURE,
    USAGE,
    config_option,
    config_path,
    json_option,
    place_of,
    print_json,
    settings_of,
    start_logging,
    stop,
    store_option,
)
from relay.cli.lines import Lines, open_standard_streams
from relay.settings.forms import read_address
from relay.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from relay.app import App
    from relay.errors import Mistake
    from relay.settings import Settings
    from relay.store import Store
    from relay.store.place import Place

FILES_MOST, FILES_LEAST = 8192, 256
"""Open files that are asked for, and those without which there is no room for a burst of senders."""
STOP_MOST = 25.0
"""Seconds after a signal to stop within which the process is gone."""
_WATCH_EVERY = 0.5
_GARBAGE = 20_000
"""Objects more than before after which garbage in circles is looked for; hardly anything here is."""
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Where a listener is reached that listens everywhere."""
_NOT_PUBLIC = (
    "CallScaler cannot reach this address from outside: get a public one (docs/behind-a-proxy.md), "
    "and write it into relay.yaml as server: public_url"
)
_LINES = Lines()
"""What the service says on stderr; it waits for nobody to read it."""
Stamp = tuple[int, int, int] | None
"""Tells one state of a file from another; None while there is no file."""


@click.command(epilog="Example: relay -c config/relay.yaml serve --listen 0.0.0.0:8080")
@config_option
@click.option("--listen", metavar="HOST:PORT", help="Where webhooks come in.")
@click.option("--admin", metavar="HOST:PORT", help="Where the admin listener answers.")
@store_option
@click.option("--no-worker", is_flag=True, help="Only accept and write down.")
@click.option("--no-intake", is_flag=True, help="Only plan and deliver.")
def serve(
    config: str | None, listen: str | None, admin: str | None, store: str | None, *, no_worker: bool, no_intake: bool
) -> None:
    """Run the relay until it is told to stop (SIGTERM drains; SIGHUP or a changed file reloads)."""
    gc.set_threshold(_GARBAGE, 20, 50)
    import connectors.table  # noqa: PLC0415, F401 - quick help, and there before the fork
    import relay.moving  # noqa: PLC0415 - decisions of it are taken in either process
    import relay.replay  # noqa: PLC0415 - as above
    import relay.worker  # noqa: PLC0415, F401 - as above
    from relay.errors import StoreUnusable  # noqa: PLC0415 - quick help
    from relay.lanes import decisions_of  # noqa: PLC0415 - as above
    from relay.store.place import fork_writer, open_ledger  # noqa: PLC0415 - as above
    from relay.store.sealing import read_keys  # noqa: PLC0415 - as above

    open_standard_streams()
    start_logging(handler=_LINES)
    for option, written in (("--listen", listen), ("--admin", admin)):
        _refuse_no_address(option, written)
    if listen:
        os.environ["RELAY_LISTEN"] = listen
    if admin:
        os.environ["RELAY_ADMIN"] = admin
    path = config_path(config)
    seen = _stamp(path)
    settings = settings_of(config)
    for warning in settings.warnings:
        _say(f"warning: {warning}")
    _refuse_open_admin(settings)
    _require_files()
    place = place_of(settings, store)
    try:
        keys = read_keys(os.environ)
    except StoreUnusable as error:
        stop(CONFIG, str(error))
    gc.freeze()  # both processes share what is there: looking through it for garbage would copy it
    apart = fork_writer(place, keys, partial(decisions_of, settings))
    opening = partial(open_ledger, place, keys=keys, ballast=True, apart=apart)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        code = runner.run(_serve(settings, path, seen, place, opening, worker=not no_worker, intake=not no_intake))
    raise SystemExit(code)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """The loop of uvloop where that exists: 1.5 times the requests of the plain one, measured on a bare handler."""
    try:
        import uvloop  # noqa: PLC0415 - where it exists
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _serve(
    settings: Settings,
    path: Path,
    seen: Stamp,
    place: Place,
    opening: Callable[[], Awaitable[Store]],
    *,
    worker: bool,
    intake: bool,
) -> int:
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.app import App  # noqa: PLC0415 - while the ledger's process opens the file
    from relay.errors import StoreUnusable  # noqa: PLC0415 - quick help
    from relay.store.place import tell_addresses  # noqa: PLC0415 - quick help
    from relay.trying import offer_trials  # noqa: PLC0415 - quick help

    try:
        ledger = await opening()
    except StoreUnusable as error:
        stop(CONFIG, str(error))
    app = App(settings, ledger, CONNECTORS, intake=intake, worker=worker)
    offer_trials(app, CONNECTORS)
    told = asyncio.Event()
    again = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: os._exit(1) if told.is_set() else told.set())
    loop.add_signal_handler(signal.SIGHUP, again.set)
    try:
        await app.start()
    except OSError as error:
        await app.stop()
        stop(FAILURE, _cannot_listen(error))
    public = f"{_reached(settings.server.listen)}:{app.public_port}" if intake else ""
    tell_addresses(place, f"{_reached(settings.server.admin)}:{app.admin_port}", public)
    _spare_the_collector()
    _greet(app, settings, intake=intake)
    systemd = Systemd()
    for warning in app.knowledge.modes.not_held(settings):
        _say(f"warning: {warning}")
    systemd.ready(_status(app))
    watcher = loop.create_task(_watch(app, path, seen, again, systemd))
    living = loop.create_task(systemd.watch(lambda: None if app.failed.is_set() else _status(app)))
    await asyncio.wait(
        [loop.create_task(told.wait()), loop.create_task(app.failed.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    watcher.cancel()
    living.cancel()
    systemd.stopping()
    _end_after(STOP_MOST)
    await app.stop()
    return FAILURE if app.failed.is_set() else 0


def _refuse_no_address(option: str, written: str | None) -> None:
    """Exit 2 for an option that is no address: relay.yaml, where it would be looked for otherwise, is right."""
    try:
        read_address(written or "127.0.0.1:0")
    except ValueError as error:
        stop(USAGE, f"{option}: {error}")


def _cannot_listen(error: OSError) -> str:
    """Why, and where: asyncio tells the address only in words."""
    said = error.strerror or str(error)
    found = re.search(r"address \('([^']+)', (\d+)", said)
    where = f" on {found[1]}:{found[2]}" if found else ""
    why = os.strerror(error.errno).lower() if found and error.errno else said
    remedy = _REMEDIES.get(error.errno or 0, "Stop the program that has it, or choose others by --listen and --admin")
    return f"cannot listen{where}: {why}. {remedy}"


_REMEDIES = {
    errno.EADDRNOTAVAIL: "This machine has no such address: 127.0.0.1 is itself, 0.0.0.0 all that it has",
    errno.EACCES: "Ports under 1024 are for root: choose a higher one by --listen and --admin, behind a proxy",
}


def _status(app: App) -> str:
    """How it goes, in one line."""
    shown = app.shown()
    if shown.reasons:
        return f"not ready: {'; '.join(shown.reasons)}"
    if shown.reload is not None and shown.reload.mistakes:
        return "working, but the changed configuration is not used"
    return f"working, {len(shown.rules)} rules"


def _end_after(seconds: float) -> None:
    """See to it that the process ends, whatever hangs: a disk that answers no more cannot be waited for."""
    timer = threading.Timer(seconds, os._exit, (FAILURE,))
    timer.daemon = True
    timer.start()


def _spare_the_collector() -> None:
    """Never look for garbage in what was made by now and stays: that took a tenth of all work."""
    gc.collect()
    gc.freeze()


def _greet(app: App, settings: Settings, *, intake: bool) -> None:
    if intake:
        host = _host(settings.server.listen)
        for name in settings.sources:
            _say(f"listening on http://{host}:{app.public_port}/hooks/{name}")
    _say(f"admin on http://{_host(settings.server.admin)}:{app.admin_port}")


def _say(line: str) -> None:
    """Tell whoever started it; a line of the log, where programs read that."""
    if os.environ.get("RELAY_LOG") == "json":
        structlog.get_logger(__name__).info(line)
    else:
        _LINES.say(line)


def _reached(address: str) -> str:
    """The host that a program on this machine reaches HOST:PORT under."""
    host = _host(address)
    return _LOOPBACK.get(host, host)


def _host(address: str) -> str:
    """The host of HOST:PORT as a URL writes it: in brackets, where it is IPv6."""
    host, _ = read_address(address)
    return f"[{host}]" if ":" in host else host


async def _watch(app: App, path: Path, seen: Stamp, again: asyncio.Event, systemd: Systemd) -> None:
    """Reload on SIGHUP, or when the file is no longer the one that was `seen`; whatever happens, go on watching."""
    log = structlog.get_logger(__name__)
    before = seen
    while True:
        try:
            async with asyncio.timeout(_WATCH_EVERY):
                await again.wait()
        except TimeoutError:
            # A file that is still being written is left alone until it looks the same twice.
            stamp = _stamp(path)
            if stamp in (seen, None) or stamp != before:
                before = stamp
                continue
        again.clear()
        seen = before = _stamp(path)
        systemd.reloading()
        try:
            await app.reload(path, os.environ, _rehearse)
        except Exception:
            log.exception("the configuration could not be reloaded")
        systemd.ready(_status(app))


async def _rehearse(settings: Settings) -> list[Mistake]:
    """The tests of a changed file that fail."""
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.errors import Mistake  # noqa: PLC0415 - quick help
    from relay.scenarios import run_scenarios  # noqa: PLC0415 - quick help

    failures = await run_scenarios(settings, CONNECTORS)
    return [Mistake(str(settings.path), line, column, message) for line, column, message in failures]


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None  # being replaced by an editor; looked at again in a second
    return found.st_mtime_ns, found.st_size, found.st_ino


def _require_files() -> None:
    """Open as many files as the system allows: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES_MOST if hard == resource.RLIM_INFINITY else min(hard, FILES_MOST)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < FILES_LEAST:
        stop(
            CONFIG,
            f"only {most} files may be open at once, and each connection is one: allow {FILES_LEAST} at least "
            "(ulimit -n, or LimitNOFILE= in the unit file)",
        )


def _refuse_open_admin(settings: Settings) -> None:
    host, _ = read_address(settings.server.admin)
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local and not settings.admin_token:
        stop(
            CONFIG,
            f"the admin listener would be open to anybody on {host}: set RELAY_ADMIN_TOKEN, or listen on 127.0.0.1",
        )


@click.command(epilog="Example: relay url")
@config_option
@json_option
def url(config: str | None, *, as_json: bool) -> None:
    """The address and header to paste into the call flow, under Automations, Post-Call Webhook."""
    from relay.settings.written_secrets import names_of_secrets  # noqa: PLC0415 - quick help

    settings = settings_of(config)
    _, port = read_address(settings.server.listen)
    base = settings.server.public_url.rstrip("/") or f"http://{_reached(settings.server.listen)}:{port}"
    found = []
    names = names_of_secrets(settings.path) if settings.path else {}
    for name, source in settings.sources.items():
        header = source.proof.layout.header or None
        entry = {"source": name, "url": f"{base}/hooks/{name}", "header": header, "proof": source.proof.scheme}
        found.append({**entry, "secret": names.get(name)})
    if as_json:
        print_json({"sources": found})
        return
    for entry in found:
        click.echo(f"{entry['source']}: {entry['url']}")
        if entry["header"]:
            click.echo(f"  custom header {entry['header']}: {_held(entry['secret'])}")
    if not settings.server.public_url:
        click.echo(_NOT_PUBLIC, err=True)


def _held(name: str | None) -> str:
    """Where the secret is to be found, by what the file names."""
    if name is None:
        return "the secret that relay.yaml gives this source"
    kind, _, path = name.partition(":")
    return f"what the file {path} holds" if path else f"what {kind} holds"
