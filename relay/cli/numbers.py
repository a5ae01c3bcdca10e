"""`relay numbers`: groups of numbers as plan, approve, apply, undo."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from relay.cli.acting import act
from relay.cli.common import (
    FAILURE,
    FOUND,
    NOT_FOUND,
    REMOTE,
    USAGE,
    busy,
    ledger_options,
    ledger_place,
    limit_option,
    print_json,
    read_ledger,
    stop,
    tell,
    zone_of,
)
from relay.cli.tables import clock, print_table

if TYPE_CHECKING:
    from relay.models import Change, NumberRun
    from relay.store import Store

PATIENCE = 120.0
"""Seconds for a service to plan: it reads all numbers and groups first."""
APPLIED = 900.0
"""Seconds that a service is waited for while it moves numbers; it goes on afterwards, too."""
STILL = 2.0
"""Seconds without a move after which is looked whether whoever has it in hand still lives."""
_ON_ITS_WAY = ("approved", "applying")
_BUSY = {"numbers-plan": "reading numbers, groups and calls …", "numbers-apply": "looking once more, and moving …"}


@click.group(epilog="Example: relay numbers plan && relay numbers apply")
def numbers() -> None:
    """Keep numbers in the groups that are declared: plan, look, apply, undo."""


@numbers.command(epilog="Example: relay numbers plan --json")
@ledger_options
def plan(config: str | None, store: str | None, *, as_json: bool) -> None:
    """What would move now, and why; exit 6 when something would. Nothing is moved."""
    came = _act(config, store, "numbers-plan", {})
    if as_json:
        print_json({"moves": came["moves"], "held": came["held"]})
    else:
        _show(came)
    raise SystemExit(FOUND if came["moves"] else 0)


@numbers.command(epilog="Example: relay numbers apply")
@click.argument("run", required=False)
@ledger_options
def apply(run: str | None, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Make the moves of the last plan, or of RUN, and nothing else; a plan that is stale is refused."""
    _report(_act(config, store, "numbers-apply", {"run": run}), config, store, as_json=as_json)


@numbers.command(epilog="Example: relay numbers undo run_6a26f0c4ab12")
@click.argument("run")
@ledger_options
def undo(run: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Put back every number that RUN changed, exactly as it was; `last` is the newest run."""
    _report(_act(config, store, "numbers-undo", {"run": run}), config, store, as_json=as_json)


@numbers.command(epilog="Example: relay numbers approve run_6a26f0c4ab12")
@click.argument("run")
@ledger_options
def approve(run: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Let a run go that waits for somebody's word."""
    _report(_act(config, store, "numbers-approve", {"run": run}), config, store, as_json=as_json)


@numbers.command(epilog="Example: relay numbers reject run_6a26f0c4ab12")
@click.argument("run")
@ledger_options
def reject(run: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Drop a run that waits for somebody's word."""
    came = _act(config, store, "numbers-reject", {"run": run})
    tell(came, f"{came['run']}: {came['state']}", as_json=as_json)


@numbers.command(epilog="Example: relay numbers accept +13125550142")
@click.argument("which", nargs=-1, metavar="[NUMBER]...")
@ledger_options
def accept(which: tuple[str, ...], config: str | None, store: str | None, *, as_json: bool) -> None:
    """Take for good where somebody moved numbers by hand, all of them or each NUMBER; nothing is moved."""
    odd = next((written for written in which if _number(written) is None), None)
    if odd is not None:
        stop(USAGE, f"`{odd}` is no telephone number; write it as +13125550142")
    came = _act(config, store, "numbers-accept", {"numbers": list(which)})
    if as_json:
        print_json(came)
    else:
        _show_run(came)


@numbers.command(epilog="Example: relay numbers history +13125550142")
@click.argument("which", required=False, metavar="[RUN|NUMBER]")
@limit_option
@ledger_options
def history(which: str | None, limit: int, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Runs, newest first; the moves of one RUN, or all that was done with one NUMBER."""
    if which is None:
        runs = read_ledger(config, store, lambda ledger: ledger.number_runs(limit=limit))
        _runs(runs, zone_of(config), as_json=as_json)
        return
    number = _number(which)
    if number is not None:
        changes = read_ledger(config, store, lambda ledger: ledger.number_changes(number, limit=limit))
        _changes(changes, zone_of(config), as_json=as_json)
        return
    found = read_ledger(config, store, lambda ledger: _run(ledger, which))
    if found is None:
        stop(NOT_FOUND, f"there is no run {which}; `relay numbers history` lists them")
    if as_json:
        print_json(found)
    else:
        _show_run(found)


def _number(written: str) -> str | None:
    """A number however it is written; None for anything else, a run's id among it."""
    from relay import phone  # noqa: PLC0415 - quick help

    return None if written.startswith("run_") else phone.normalise(written)


async def _run(ledger: Store, reference: str) -> dict[str, Any] | None:
    from relay.moving.telling import run_json  # noqa: PLC0415 - quick help

    run = await ledger.number_run(reference)
    return None if run is None else run_json(run, await ledger.changes(run.id))


def _act(config: str | None, store: str | None, deed: str, given: dict[str, Any]) -> dict[str, Any]:
    with busy(_BUSY.get(deed, "asking the phone system …")):
        came = act(config, store, deed, given, PATIENCE)
    if "refused" in came:
        missing = came["refused"].startswith("there is no run")
        stop(NOT_FOUND if missing else FAILURE, came["refused"])
    if "failed" in came:
        stop(REMOTE, f"the phone system could not be asked: {came['failed']}")
    return came


def _report(came: dict[str, Any], config: str | None, store: str | None, *, as_json: bool) -> None:
    """How a run ended; one that a service carries out is waited for."""
    run, moved, since = came["run"], 0, time.monotonic()
    end = since + APPLIED
    with busy("moving numbers …") as say:
        while came["state"] in _ON_ITS_WAY and not came["why"] and time.monotonic() < end:
            time.sleep(0.2)
            found = read_ledger(config, store, lambda ledger: _run(ledger, run))
            came = came if found is None else found
            done = sum(move["state"] == "done" for move in came["moves"])
            say(f"moving numbers: {done} of {len(came['moves'])} …")
            if done != moved:
                moved, since = done, time.monotonic()
            elif time.monotonic() - since > STILL:
                if not _in_hand(config, store):
                    came = _act(config, store, "numbers-apply", {"run": run})
                since = time.monotonic()
    if as_json:
        print_json(came)
    else:
        _show_run(came)
    if came["state"] == "asking":
        stop(FOUND, f"{came['why']}: `relay numbers approve {came['run']}`, or reject, until {came['until']}")
    if came["state"] != "done":
        stop(REMOTE, f"{came['run']} stopped: {came['why']}; `relay numbers apply {came['run']}` goes on")
    if any(move["state"] != "done" for move in came["moves"]):
        raise SystemExit(FAILURE)


def _in_hand(config: str | None, store: str | None) -> bool:
    """Whether another process that lives makes the moves, or will, so that there is only waiting to do."""
    from relay.moving import Turn  # noqa: PLC0415 - quick help
    from relay.roster import who_does  # noqa: PLC0415 - quick help
    from relay.store.place import is_held  # noqa: PLC0415 - quick help

    if is_held(ledger_place(config, store)):
        return True
    return read_ledger(config, store, lambda ledger: who_does(ledger, Turn.DUTY)) is not None


def _show(came: dict[str, Any]) -> None:
    for move in came["moves"]:
        click.echo(f"  {move['number']}  {move['from'] or '(no group)'} -> {move['to']}")
        click.echo(f"      {move['because']}")
    for held in came["held"]:
        click.echo(f"  {held['number']}  stays")
        click.echo(f"      {held['because']}")
    said = f"{len(came['moves'])} to move, {len(came['held'])} held"
    if came["run"]:
        click.echo(f"{said}; `relay numbers apply` makes these moves and no others ({came['run']})", err=True)
    else:
        click.echo(f"{said}; nothing to apply", err=True)


def _show_run(run: dict[str, Any]) -> None:
    for move in run["moves"]:
        what = f"{move['from'] or '(no group)'} -> {move['to'] or '(no group)'}"
        click.echo(f"  {move['number']}  {what if move['kind'] != 'update_number' else 'changed'}  {move['state']}")
        if move["reason"]:
            click.echo(f"      {move['reason']}")
    click.echo(f"{run['run']}: {run['state']}" + (f", {run['why']}" if run["why"] else ""), err=True)


def _runs(runs: list[NumberRun], zone: str, *, as_json: bool) -> None:
    from relay.moving.telling import run_json  # noqa: PLC0415 - quick help

    if as_json:
        print_json({"runs": [{**run_json(run, ()), "moves": run.moves} for run in runs]})
        return
    rows = [[run.id, clock(run.at, zone), run.kind, run.by, str(run.moves), run.state, run.why] for run in runs]
    print_table(
        ["run", "at", "kind", "by", "moves", "state", "why"],
        rows,
        empty="nothing was planned or moved yet",
        spare=["kind"],
    )


def _changes(changes: list[Change], zone: str, *, as_json: bool) -> None:
    from relay.moving.telling import change_json  # noqa: PLC0415 - quick help

    if as_json:
        print_json({"moves": [{**change_json(change), "run": change.run} for change in changes]})
        return
    rows = [
        [change.run, clock(change.at, zone), change.source or "", change.to or "", change.state, change.because]
        for change in changes
    ]
    print_table(["run", "at", "from", "to", "state", "because"], rows, empty="this number was never moved")
