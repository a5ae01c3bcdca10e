"""Any history of the ledger, crashes included: nothing accepted is lost, no text is begun twice, the states sum up."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from relay.intake import merge
from relay.models import Attempt, Plan, State, Verdict
from relay.store import Settlement, Want
from relay.store.postgres import PostgresStore
from relay.store.sqlite import SqliteStore
from tests.postgres import empty
from tests.sized import sized
from tests.store.ledger import ANN, BOB, NOW, WINDOWS, address, event, nobody_waits, owed, plan, ripen, text
from tests.store.test_sqlite import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from relay.models import Delivery, Event, Known
    from relay.store import Claimed, Run, Store
    from relay.store.seal import Keys

MEMORY = Path("/dev/shm")
"""Where nothing waits for a disk: what these tests are about is what was written, not when it is safe."""
LEASE = 30.0
COOLDOWN = 600.0
OWED_BY_EACH = 4


class OnAFile:
    """A ledger in files of its own, and what a killed process leaves of it."""

    keys: Keys | None = None

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self._lives = 0

    async def open(self) -> Store:
        """The ledger as a process that starts now finds it."""
        return SqliteStore(self._file(self._lives), keys=self.keys)

    async def crash(self, store: Store) -> Store:
        """What a killed process leaves on the disk, opened by the next one."""
        self._lives += 1
        for suffix in ("", "-wal"):
            before, after = (f"{self._file(life)}{suffix}" for life in (self._lives - 1, self._lives))
            shutil.copy(before, after)
        await store.close()
        return await self.open()

    def remove(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._folder)

    def _file(self, life: int) -> Path:
        return self._folder / f"{life}.db"


class Sealed(OnAFile):
    """The same, sealed."""

    keys = KEYS


class OnPostgres:
    """A database, whose server cuts off whoever was connected when they crash."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._begun = False

    async def open(self) -> Store:
        """As above; empty the first time."""
        if not self._begun:
            self._begun = True
            await empty(self._url)
        return await PostgresStore.open(self._url)

    async def crash(self, store: Store) -> Store:
        """As above."""
        connection = await asyncpg.connect(self._url)
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        await connection.close()
        await store.close()
        return await self.open()

    def remove(self) -> None:
        """The next one empties it."""


class Histories(RuleBasedStateMachine):
    """One relay on one ledger. What was taken before a crash or the end of its lease is still settled, late."""

    ledger: ClassVar[Callable[[], OnAFile | OnPostgres]] = OnAFile

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.place = type(self).ledger()
        self.store = self.do(self.place.open())
        self.now = NOW
        self.accepted: dict[tuple[str, str], str] = {}
        self.planned: set[str] = set()
        self.taken: list[Claimed] = []
        self.begun: Counter[str] = Counter()
        self.left_at: dict[str, list[float]] = {ANN: [], BOB: []}

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(work)

    def teardown(self) -> None:
        self.do(self.store.close())
        self.loop.close()
        self.place.remove()

    @rule(key=st.sampled_from("abcdef"), type=st.sampled_from(["call.missed", "call.completed"]), by=st.booleans())
    def arrive(self, key: str, type: str, *, by: bool) -> None:  # noqa: A002 - the name of the field
        arrived = event(key, type, at=self.now, caller=ANN if by else BOB)
        answer = self.do(self.store.accept(arrived, b"{}", merge))
        assert answer.duplicate == ((key, type) in self.accepted)
        assert self.accepted.setdefault((key, type), answer.event) == answer.event

    @rule(limit=st.integers(1, 3))
    def plan(self, limit: int) -> None:
        def decide(event: Event, known: Known) -> Plan:
            assert event.id not in self.planned
            self.planned.add(event.id)
            name, at = event.id, {"due_at": self.now, "born_at": self.now}
            steps = (
                text(f"{name} text", event.caller, run=name, **at),
                owed(f"{name} row", run=name, step=1, connector="sheet", lane=event.key, **at),
                owed(f"{name} post", run=name, step=2, **at),
                owed(f"{name} wait", run=name, step=3, state=State.WAITING, **{**at, "due_at": self.now + 50}),
            )
            return Plan((Verdict("A", "ran"),), tuple(replace(step, event=event.id) for step in steps))

        self.do(plan(self.store, decide, now=self.now, limit=limit))

    @rule(seconds=st.sampled_from([1.0, LEASE, 100.0, COOLDOWN]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def ripen(self) -> None:
        def decide(run: Run, one: Delivery, known: Known) -> tuple[list[Delivery], list[tuple[str, str]]]:
            return [one.moved(State.DUE)], []

        self.do(ripen(self.store, decide, now=self.now))

    @rule(slots=st.integers(1, 3), rows=st.integers(1, 3))
    def claim(self, slots: int, rows: int) -> None:
        before = self.do(self.store.deliveries(limit=1000))
        wants = {name: Want(slots, rows, LEASE) for name in ("team", "sheet", "callscaler")}
        taken = self.do(self.store.claim(wants, now=self.now)).claimed
        for one in taken:
            assert one.delivery.due_at <= self.now
            assert one.event.id == one.delivery.event
            ahead = {
                other.id
                for other in before
                if other.lane is not None
                and (other.connector, other.lane) == (one.delivery.connector, one.delivery.lane)
                and other.state in (State.DUE, State.SENDING)
                and other.seq < one.delivery.seq
            }
            assert ahead <= {other.delivery.id for other in taken}
        assert len({one.delivery.id for one in taken}) == len(taken)
        self.taken += taken

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        one = self.taken.pop(data.draw(st.integers(0, len(self.taken) - 1)))
        if one.delivery.state is State.UNKNOWN:
            fates = [State.DELIVERED, State.ABANDONED, State.UNKNOWN]
        elif one.delivery.kind == "text":
            if not self._begin(one):
                return
            fates = [State.DELIVERED, State.DUE, State.DEAD, State.UNKNOWN, None]
        else:
            fates = [State.DELIVERED, State.DUE, State.DEAD, None]
        fate = data.draw(st.sampled_from(fates))
        if fate is not None:  # else nobody settles it: its lease ends
            self._settle(one, fate)

    def _begin(self, one: Claimed) -> bool:
        def decide(delivery: Delivery, event: Event, known: Known) -> Delivery:
            to = (delivery.action or {})["to"]
            last = known.text(to, run=delivery.run, rule=delivery.rule, shadow=False).last_at
            if last is not None and self.now - last <= COOLDOWN:
                return delivery.moved(State.SUPPRESSED)
            return delivery.moved(State.SENDING)

        said = self.do(
            self.store.begin_text(
                one.delivery, address(one.delivery), decide, nobody_waits, now=self.now, windows=WINDOWS
            )
        )
        if said.state is not State.SENDING:
            return False
        self.begun[one.delivery.id] += 1
        assert self.begun[one.delivery.id] == 1, "a text was begun twice"
        to = (one.delivery.action or {})["to"]
        assert all(self.now - at > COOLDOWN for at in self.left_at[to]), "a person was texted twice"
        self.left_at[to].append(self.now)
        return True

    def _settle(self, one: Claimed, fate: State) -> None:
        standing = self._by_id(one.delivery.id)
        moved = one.delivery.moved(fate, due_at=self.now + 5, tries=one.delivery.tries + 1)
        tried = Attempt(one.delivery.id, moved.tries, self.now, 0.1, str(fate), "")
        held = self.do(self.store.settle([Settlement(moved, tried)], nobody_waits))
        assert held == (standing.claims == one.delivery.claims)
        assert self._by_id(one.delivery.id).state == (fate if held else standing.state)
        if held and one.delivery.kind == "text" and fate in (State.DUE, State.DEAD):
            self.begun[one.delivery.id] -= 1  # surely refused: it may be tried again
            self.left_at[(one.delivery.action or {})["to"]].remove(max(self.left_at[(one.delivery.action or {})["to"]]))

    def _by_id(self, name: str) -> Delivery:
        return next(one for one in self.do(self.store.deliveries(limit=1000)) if one.id == name)

    @rule()
    def look_up(self) -> None:
        self.taken += self.do(self.store.claim_unknown(now=self.now, lease=LEASE, limit=5))

    @rule()
    def leases_end(self) -> None:
        self._free(everything=False)

    @rule()
    def crash(self) -> None:
        """What a killed process leaves is taken up by the next one."""
        self.store = self.do(self.place.crash(self.store))
        self._free(everything=True)

    def _free(self, *, everything: bool) -> None:
        sending = {one.id for one in self.do(self.store.deliveries(limit=1000, state="sending")) if one.kind == "text"}
        self.do(self.store.free_leases(now=self.now, settle=60, everything=everything))
        after = {one.id: one.state for one in self.do(self.store.deliveries(limit=1000))}
        assert {after[name] for name in sending} <= {State.UNKNOWN} | (set() if everything else {State.SENDING})

    @invariant()
    def nothing_is_lost(self) -> None:
        totals = self.do(self.store.totals())
        assert totals["events"] == len(self.accepted)
        assert totals["unplanned"] == len(self.accepted) - len(self.planned)
        assert {one.id for one in self.do(self.store.events(limit=1000))} == set(self.accepted.values())

    @invariant()
    def the_states_sum_up(self) -> None:
        assert sum(self.do(self.store.states()).values()) == OWED_BY_EACH * len(self.planned)

    @invariant()
    def every_text_that_may_have_left_is_counted(self) -> None:
        counted = {one["id"]: one["state"] for one in self.do(self.store.texts(limit=1000))}
        assert set(counted) == {name for name, times in self.begun.items() if times}


def keeps_its_promises(ledger: Callable[[], OnAFile | OnPostgres], *, examples: int) -> None:
    """Play so many histories on ledgers of this kind."""
    run_state_machine_as_test(
        type("Histories", (Histories,), {"ledger": staticmethod(ledger)}),
        settings=settings(
            max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_any_history_keeps_the_promises_on_a_file():
    keeps_its_promises(OnAFile, examples=sized(10, 60))


def test_any_history_keeps_the_promises_in_a_sealed_file():
    keeps_its_promises(Sealed, examples=sized(3, 20))


def test_any_history_keeps_the_promises_on_postgres(postgres):
    keeps_its_promises(lambda: OnPostgres(postgres), examples=sized(3, 20))
