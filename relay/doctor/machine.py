"""Checks of this machine: the configuration's warnings, disk, clock, database, ledger."""

from __future__ import annotations

import email.utils
import os
import shutil
from typing import TYPE_CHECKING

from relay.doctor.bench import Finding, fine, note, wrong
from relay.errors import DeliveryFailed, StoreError
from relay.rules import say_span

if TYPE_CHECKING:
    from relay.doctor.bench import Bench

ROOM = 0.1
"""The share of the disk that should be free."""
SKEW = 30.0
"""Seconds by which a clock may be wrong: signatures allow five minutes, people notice less."""


async def configuration(bench: Bench) -> list[Finding]:
    """What `relay check` warns about; mistakes are told before any check begins."""
    found = [note(warning) for warning in bench.warnings]
    for name, source in bench.sources.items():
        if source.proof.scheme == "none":
            found.append(wrong(f"{name}: anybody may post events, there is no proof", "give the source a secret"))
        if any(key.previous for key in source.proof.keys):
            found.append(
                note(f"{name}: the previous secret still works", "take `previous:` out once the sender has the new one")
            )
    return found or [fine("sound, and every secret is there")]


async def disk(bench: Bench) -> list[Finding]:
    """Room for the ledger, and whether it may be written there."""
    if bench.folder is None:
        return [fine("the ledger stands in no file of this machine")]
    if not bench.folder.is_dir():
        return [wrong(f"there is no folder {bench.folder}", "make it, or name another place under store:")]
    if not os.access(bench.folder, os.W_OK):
        return [wrong(f"{bench.folder} cannot be written to", "give the relay's user the folder (chown)")]
    room = shutil.disk_usage(bench.folder)
    share = room.free / room.total if room.total else 0.0
    said = f"{room.free / 10**9:.1f} GB free ({100 * share:.0f} %)"
    if share < ROOM:
        return [wrong(said, "free some space, or lower retention: size; a full disk answers webhooks with 503")]
    return [fine(said)]


async def clock(bench: Bench) -> list[Finding]:
    """The clock against that of whoever answers the phone system's address, and against the ledger."""
    now = bench.clock()
    if bench.store is not None:
        newest = await bench.store.events(limit=1)
        if newest and newest[0].received_at - now > SKEW:
            behind = say_span(newest[0].received_at - now)
            return [wrong(f"{behind} behind the newest event in the ledger", "set the clock (timedatectl, NTP)")]
    if not bench.base_url:
        return [note("not compared with any other")]
    try:
        answer = await bench.http.request("GET", bench.base_url, cap=1024)
        told = email.utils.parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (DeliveryFailed, ValueError, TypeError):
        return [note("not compared: the phone system's address told no time")]
    off = bench.clock() - told
    if abs(off) > SKEW:
        way = "ahead" if off > 0 else "behind"
        return [wrong(f"{say_span(abs(off))} {way} of the phone system's", "set the clock (timedatectl, NTP)")]
    return [fine("right, by the phone system's")]


async def database(bench: Bench) -> list[Finding]:
    """The database under the ledger."""
    if bench.fault:
        return [note("the ledger cannot be read")]
    if bench.store is None:
        return [note("no ledger yet", "`relay serve` makes it")]
    trouble = bench.store.engine_trouble
    return [note(*trouble)] if trouble else [fine(bench.store.engine)]


async def ledger(bench: Bench) -> list[Finding]:
    """Whether the file is sound, its sums are right, and what it waits for."""
    store = bench.store
    if bench.fault:
        return [wrong(bench.fault, "mend what it says; `relay backup` copies can be put in its place")]
    if store is None:
        return [note("no ledger yet", "`relay serve` makes it")]
    try:
        damage = await store.damage()
    except StoreError:
        damage, whole = None, "too large to be looked at whole in a moment; `relay backup` proves a copy"
    else:
        whole = "sound"
    if damage is not None:
        return [wrong(f"damaged: {damage}", "stop the relay, keep the file, and put the last backup in its place")]
    balance = await store.balance()
    if balance.wrong is not None:
        return [wrong(f"its sums are wrong: {balance.wrong}", "keep the file, and compare it with the last backup")]
    found = [fine(f"{whole}; {balance.accepted} events, and each is accounted for")]
    if await store.restored():
        found.append(wrong("a copy from earlier, put back: texts are held", "`relay texts on --after-restore`"))
    if await store.texts_are_off():
        found.append(note("texts are switched off", "`relay texts on`"))
    return found


async def alerts(bench: Bench) -> list[Finding]:
    """What is open, and connectors that wait."""
    if bench.store is None:
        return []
    opened = await bench.store.alerts(open_only=True)
    found = [wrong(alert.what, alert.remedy) for alert in opened]
    told = {alert.cause for alert in opened}
    for name, standing in (await bench.store.standings()).items():
        if standing.paused and f"paused:{name}" not in told:
            found.append(wrong(f"{name} is paused: {standing.paused_why}", f"`relay resume {name}`"))
        if standing.open and f"breaker:{name}" not in told:
            found.append(wrong(f"{name} does not answer: {standing.fault}", "nothing is lost; it is asked again"))
    dead = (await bench.store.states()).get("dead", 0)
    if dead:
        found.append(note(f"{dead} deliveries were given up on", "`relay deliveries --state dead`, `relay replay`"))
    return found or [fine("none open")]
