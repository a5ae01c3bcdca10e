"""One connection to PostgreSQL, as the ledger's SQL expects it: statements that answer at once.

The SQL and the decisions of a transaction are plain functions. They run in a greenlet: each statement switches back to
the event loop, which awaits asyncpg and switches in again with the answer. So nothing is written twice, once with and
once without `await`, and no thread is needed. SQLAlchemy does the same
(https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import asyncpg
from greenlet import getcurrent, greenlet

from relay.store.postgres.dialect import at_once, spelled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from asyncpg.pool import PoolConnectionProxy

    from relay.store.seal import Seal
    from relay.store.sql.connection import Values

    Raw = asyncpg.Connection[Any] | PoolConnectionProxy[Any]

T = TypeVar("T")

LOST = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
)
"""What is raised once the connection is gone, or none is to be had; a TimeoutError is an OSError.

The client's own error means that the server said goodbye between two statements, or that only a standby was found.
"""
_COLLIDED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
AGAIN = (*_COLLIDED, asyncpg.UniqueViolationError)
"""Another relay came first: the whole piece of work is done again, and sees what that one wrote."""
_OF_SERVER = (
    *LOST,
    *_COLLIDED,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalServerError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientPrivilegeError,
)


def is_lost(raw: Raw) -> bool:
    """Whether a connection has ended; one that ended while a pool lent it refuses even that question."""
    try:
        return bool(raw.is_closed())
    except asyncpg.InterfaceError:
        return True


class Found:
    """The rows that a statement found, or how many it changed."""

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self.rowcount = rowcount
        self._rows = iter(rows)

    def fetchone(self) -> Any:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class Waiting(Protocol):
    """What is written later than it was said."""

    def write(self, connection: ServerConnection) -> None:
        """Write it now."""

    def undo(self) -> None:
        """What was written or waits since the last `apart` began is undone."""


class ServerConnection:
    """A connection within one transaction; its methods may be called in a greenlet of `in_greenlet` only."""

    def __init__(self, raw: Raw, seal: Seal | None = None) -> None:
        self.seal = seal
        self._raw = raw
        self._counted: Counter[str] = Counter()
        self._sums: Counter[tuple[str, tuple[Any, ...]]] = Counter()
        self._waiting: dict[str, Waiting] = {}

    def use(self, seal: Seal) -> None:
        """Begin to seal and to open."""
        self.seal = seal

    def execute(self, sql: str, values: Values = ()) -> Found:
        """Run one statement."""
        self._write_before(sql)
        statement = spelled(sql)
        given = statement.values(values)
        if self.seal is not None:
            given = self.seal.bound(given)
        if statement.finds:
            rows = _wait(self._raw.fetch(statement.text, *given))
            if self.seal is not None:
                rows = [dict(zip(row.keys(), self.seal.opened(row.values()), strict=True)) for row in rows]
            return Found(rows, len(rows))
        status = _wait(self._raw.execute(statement.text, *given))
        return Found((), int(status.rpartition(" ")[2]) if status[-1:].isdigit() else -1)

    def executemany(self, sql: str, values: Iterable[Values]) -> Found:
        """Run one statement with each of these, all in one go."""
        statement = spelled(sql)
        given = [statement.values(one) for one in values]
        if self.seal is not None:
            given = [self.seal.bound(one) for one in given]
        if not given:
            return Found((), 0)
        whole = at_once(sql)
        if whole is not None:
            changed = _wait(self._raw.fetch(whole, *map(list, zip(*given, strict=True))))
            return Found((), len(changed))
        changed = _wait(self._raw.fetchmany(f"{statement.text} returning 1", given))
        return Found((), len(changed))

    def update_many(
        self, table: str, columns: Sequence[str], which: Sequence[str], alike: str, rows: Sequence[Values]
    ) -> int:
        """Change several rows, all in one statement."""
        changes = ", ".join(f"{column} = ?" for column in columns)
        found = " and ".join(f"{column} = ?" for column in which)
        return self.executemany(f"update {table} set {changes}, {alike} where {found}", rows).rowcount  # noqa: S608 - constants

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """What fails in here is undone alone, and raised; the transaction around it stands unless `ends_all`."""
        self._write_waiting()
        counted, sums = self._counted.copy(), self._sums.copy()
        self.execute("savepoint apart")
        try:
            yield
            self._write_waiting()
        except BaseException as error:
            self._counted, self._sums = counted, sums
            for waiting in self._waiting.values():
                waiting.undo()
            if not self.ends_all(error):
                self.execute("rollback to savepoint apart")
                self.execute("release savepoint apart")
            raise
        self.execute("release savepoint apart")

    def ends_all(self, error: BaseException) -> bool:
        """Whether the server, the connection or another relay is at fault, not the piece of work."""
        return isinstance(error, _OF_SERVER) or not isinstance(error, Exception) or is_lost(self._raw)

    def is_fault(self, error: BaseException) -> bool:
        """Whether an error is the database's own."""
        return isinstance(error, (asyncpg.PostgresError, *LOST))

    def count(self, name: str, by: int = 1) -> None:
        """Count something that the tables do not count themselves; written down at the end of the transaction."""
        self._counted[name] += by

    def go_on_behind(self, numbered: Mapping[str, str]) -> None:
        """After rows came with their numbers: the next one of each table gets the number behind the last."""
        for table, column in numbered.items():
            self.execute(
                f"select setval(pg_get_serial_sequence('{table}', '{column}'), (select coalesce(max({column}), 0) + 1 "  # noqa: S608 - our own tables
                f"from {table}), false)"
            )

    def sum_up(self, statement: str, place: tuple[Any, ...], by: int) -> None:
        """Add to a sum; written down at the end, or before sums are read."""
        self._sums[statement, place] += by

    def before(self, table: str, waiting: Waiting) -> None:
        """Have what waits written before a statement names this table, and at the end."""
        self._waiting[table] = waiting

    def _write_before(self, sql: str) -> None:
        for table in [table for table in self._waiting if table in sql]:
            waiting = self._waiting.pop(table)
            waiting.write(self)
            self._waiting[table] = waiting

    def _write_waiting(self) -> None:
        for table in list(self._waiting):
            self._write_before(table)

    def write_sums(self) -> None:
        """Write down what was added so far, and what is added by whatever waits."""
        self._write_waiting()
        self._write_sums()

    def _write_sums(self) -> None:
        sums, self._sums = self._sums, Counter()
        for statement in sorted({statement for statement, _ in sums}):
            places = sorted(place for summed, place in sums if summed == statement and sums[summed, place])
            self.executemany(statement, [(*place, sums[statement, place]) for place in places])

    def write_all(self) -> None:
        """Write down whatever waits; sums last, as every relay adds to the same rows, and waits for who has them."""
        self._write_waiting()
        self.write_counts()
        self._write_sums()

    def lock(self, *keys: str) -> None:
        """Hold these names until the transaction ends; waits for whoever has one. Sorted: nobody deadlocks."""
        if keys:
            self.execute(
                "select pg_advisory_xact_lock(hashtextextended(k, 0)) from "
                "(select k from unnest($1::text[]) as u (k) order by hashtextextended(k, 0)) as sorted",
                (sorted(set(keys)),),
            )

    def try_lock(self, keys: Iterable[str]) -> set[str]:
        """Hold as many of these names as nobody else holds, until the transaction ends; answers which."""
        rows = self.execute(
            "select k from unnest($1::text[]) as u (k) where pg_try_advisory_xact_lock(hashtextextended(k, 0))",
            (sorted(set(keys)),),
        )
        return {row["k"] for row in rows}

    def write_counts(self) -> None:
        """Write down what was counted: each connection has rows of its own, so that nobody waits for them."""
        counted = [(name, by) for name, by in sorted(self._counted.items()) if by]
        self._counted.clear()
        if counted:
            self.execute(
                "insert into counts (name, slot, n) select name, pg_backend_pid(), by "
                "from unnest($1::text[], $2::bigint[]) as u (name, by) "
                "on conflict (name, slot) do update set n = counts.n + excluded.n",
                ([name for name, _ in counted], [by for _, by in counted]),
            )


async def in_greenlet(work: Callable[[], T]) -> T:
    """Run a function whose statements wait on this event loop."""
    child = greenlet(work)
    outcome = child.switch()
    while not child.dead:
        try:
            answer = await outcome
        except BaseException as error:  # noqa: BLE001 - raised where the statement stands
            outcome = child.throw(error)
        else:
            outcome = child.switch(answer)
    return outcome  # type: ignore[no-any-return]


def _wait(awaitable: Awaitable[Any]) -> Any:
    loop = getcurrent().parent
    if loop is None:
        raise RuntimeError("a statement was run outside of a transaction")
    return loop.switch(awaitable)
