"""Growth: the same figures with a million events in the ledger, beside those of an empty one, in the same run."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from relay.intake.reading import read_event
from relay.models import Finding, Verdict
from relay.store.sql.rows import dump_verdicts
from relay.store.sqlite import SqliteStore
from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.load import AREAS, Bodies
from tests.benchmarks.rig import load, relay, sinking
from tests.benchmarks.whole_way import through

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = 1_000_000
_SPAN = 28 * 86400.0
"""Seconds over which those events came, until now: all of them count for the facts of their numbers."""
_NTH = "n * 7919 % 200000"
_AREA = "case {} / 10000 {} end".format(_NTH, " ".join(f"when {n} then {area}" for n, area in enumerate(AREAS)))
_CALLER = f"'+1' || ({_AREA}) || '555' || printf('%04d', {_NTH} % 10000)"
_ROWS = "with recursive rows(n) as (select 1 union all select n + 1 from rows where n < :events) "
_AT = "(:now - :span + n * :span / :events)"
_FILL = f"""
insert into events (id, source, type, key, of_type, nth, received_at, age_known, late, caller, number, call, raw,
    planned_at, pruned) {_ROWS} select printf('evt_%023x', n), 'callscaler', 'call.completed', 'old-' || n,
    'call.completed', 0, {_AT}, 1, 0, {_CALLER}, '+13125550142', :call, :raw, {_AT}, {_AT} < :now - 604000 from rows;
insert into calls (source, key, caller, number, began_at, direction, outcome, answered, seconds) {_ROWS}
    select 'callscaler', 'old-' || n, {_CALLER}, '+13125550142', {_AT}, 'inbound', 'answered', 1, 100 from rows;
insert into traffic (hour, number, outcome, calls) select cast(began_at / 3600 as integer), number, outcome,
    count(*) from calls group by 1, 2, 3;
insert into verdicts (event, at, config, verdicts) {_ROWS}
    select printf('evt_%023x', n), {_AT}, 'before', :verdicts from rows;
insert into deliveries (id, event, run, rule, rule_version, step, kind, connector, state, due_at, first_due_at,
    born_at, shadow, action, claims, tries, receipt, settled_at) {_ROWS} select printf('dlv_%023x', n),
    printf('evt_%023x', n), printf('evt_%023x.r', n), 'Forward', 'before', 0, 'send', 'first', 'delivered',
    {_AT}, {_AT}, {_AT}, 0, '{{}}', 1, 1, '{{}}', {_AT} from rows;
insert into attempts (delivery, number, started_at, seconds, outcome, answer) {_ROWS}
    select printf('dlv_%023x', n), 1, {_AT}, 0.01, 'delivered', '200' from rows
"""  # noqa: S608 - constants


_VERDICTS = (
    Verdict(
        "Outside business hours",
        "skipped",
        "call.ai_score: wanted at least 90, was 82",
        (Finding("call.ai_score", "at least 90", "82", held=False),),
    ),
) * 10
"""As much as the ten rules of the reference file say of a call."""


def fill(path: Path, events: int) -> None:
    """A ledger in which so many calls were accepted, planned and delivered."""

    async def make() -> None:
        await SqliteStore(path).close()

    asyncio.run(make())
    fields = json.loads(Bodies().next(0.0))
    event = read_event(fields, "callscaler", time.time()).event
    assert event is not None
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous = off")
    connection.execute("pragma cache_size = -400000")
    connection.execute("begin")
    call, raw = json.dumps(dict(event.call)), json.dumps(dict(event.raw))
    values = {"events": events, "now": time.time(), "span": _SPAN, "call": call, "raw": raw}
    values["verdicts"] = dump_verdicts(_VERDICTS)
    for statement in _FILL.split(";\n"):
        connection.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})
    for name in ("accepted", "owed"):
        connection.execute("update counts set n = n + ? where name = ?", (events, name))
    connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def growth(setting: Setting) -> Iterator[Figure]:
    """Start, accepting, and the whole way."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "relay.db"
        began = time.perf_counter()
        fill(store, EVENTS)
        size = store.stat().st_size / 2**20
        sys.stderr.write(f"  {EVENTS:,} events written in {time.perf_counter() - began:.0f} s, {size:.0f} MB\n")
        alone: list[dict[str, float]] = []
        full: list[dict[str, float]] = []
        for _ in range(setting.rounds):
            with sinking() as sinks:
                for place, found in ((None, alone), (store, full)):
                    with relay(sinks=sinks.ports, store=place) as server:
                        one = load(server.url, connections=1, seconds=setting.seconds / 4)["p50"]
                        told = through(server, sinks, setting.seconds / 2)
                        found.append({**told, "ready": server.ready, "one": one})
    yield Figure("relay serve ready, a million events", median(one["ready"] for one in full), "s", 1, at_most=True)
    pairs = list(zip(full, alone, strict=True))
    for name, what in (("rate", "events the whole way"), ("accepted", "accepted meanwhile")):
        ratio, rate = median(one[name] / other[name] for one, other in pairs), median(one[name] for one in alone)
        yield Figure(f"{what}, a million events, of empty", ratio, "", 0.8, beside=f"empty ledger {rate:.0f}/s")
    cpu = median(one["cpu"] / other["cpu"] for one, other in pairs)
    yield Figure("processor for an event, a million events, of empty", cpu, "", 1.2, at_most=True)
    p50 = median(one["one"] for one in full)
    yield Figure("accepted at 1 connection, a million events, p50", p50, "ms", 2, at_most=True)
