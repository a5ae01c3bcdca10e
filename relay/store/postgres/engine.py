"""Work in transactions, on a pool of connections; it is done again when another relay came first.

What is answered is committed. A connection that breaks before the commit was sent costs another try; one that breaks
after it leaves open whether anything was written, and the caller hears that nothing is known to be.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from relay import failpoints
from relay.errors import StoreBusy
from relay.store.postgres.bell import Bell
from relay.store.postgres.connection import AGAIN, LOST, ServerConnection, in_greenlet, is_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from relay.store.postgres.address import Address
    from relay.store.postgres.connection import Raw
    from relay.store.seal import Seal

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the I of item

TRIES = 6
BATCH = 256
"""Items done together at most."""
REACH_SECONDS = 5.0
"""How long a connection may take to be had."""
FROZEN_SECONDS = 10
"""How long a transaction may stand still: a relay that is frozen within one loses its locks then."""
STATEMENT_SECONDS = 15
SESSION = {
    "application_name": "relay",
    "idle_in_transaction_session_timeout": f"{FROZEN_SECONDS}s",
    "lock_timeout": f"{FROZEN_SECONDS}s",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
}
"""What each connection asks of the server."""
_WITHIN = "; ".join(
    f"set local {name} = '{SESSION[name]}'"
    for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
)
"""What a pooler would forget between two transactions."""
_PLAINLY = "set local enable_bitmapscan = off"
"""What is planned or settled leaves its small index, and a plain scan forgets such an entry once it has met it; a
bitmap scan meets all of them again each time, until the next vacuum."""


class Engine:
    """Runs pieces of work, each in a transaction."""

    def __init__(self, pool: asyncpg.Pool[Any], address: Address) -> None:
        self.seal: Seal | None = None
        self._pool = pool
        self._waiting: dict[Callable[..., Any], list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._address = address
        self._begin = f"begin; {_PLAINLY}; {_WITHIN}" if address.pooled else f"begin; {_PLAINLY}"
        self._running: set[asyncio.Task[Any]] = set()
        self._closing = False

    @property
    def address(self) -> Address:
        """Where it is connected to."""
        return self._address

    def bell(self, node: str) -> Bell:
        """What calls other relays, and hears them."""
        return Bell(self._address, self._pool, node)

    async def run(self, work: Callable[[ServerConnection], T]) -> T:
        """Run one piece of work in a transaction; resumes after its commit. It may be run more than once.

        Raises:
            StoreBusy: nothing is known to have been written.
        """
        return await self._shielded(self._transact(work))

    async def run_together(self, work: Callable[[ServerConnection, Sequence[I]], Sequence[T]], item: I) -> T:
        """The same for work that is cheaper for several items at once: what comes during a batch is the next.

        Where a batch fails, each is done alone, so that one bad item fails no other.

        Raises:
            StoreBusy: as `run`.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(work)
        if waiting is not None:
            waiting.append((item, future))
        else:
            self._waiting[work] = [(item, future)]
            self._keep(self._batches(work))
        return await future

    async def _batches(self, work: Callable[[ServerConnection, Sequence[Any]], Sequence[Any]]) -> None:
        """Batch after batch, until none waits; the first takes whoever comes in the same turn of the loop."""
        await asyncio.sleep(0)
        while waiting := self._waiting[work]:
            batch, self._waiting[work] = waiting[:BATCH], waiting[BATCH:]
            await self._batch(work, batch)
        del self._waiting[work]

    async def _batch(
        self,
        work: Callable[[ServerConnection, Sequence[Any]], Sequence[Any]],
        batch: list[tuple[Any, asyncio.Future[Any]]],
    ) -> None:
        items = [item for item, _ in batch]
        try:
            results = await self._transact(lambda connection: work(connection, items))
        except StoreBusy as error:
            for _, future in batch:
                _fail(future, StoreBusy(str(error)))
        except Exception as error:  # noqa: BLE001 - told to whom it concerns
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            for one in batch:
                await self._batch(work, [one])
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)

    async def read(self, work: Callable[[ServerConnection], T]) -> T:
        """Run a piece of work that only reads, each statement for itself.

        Raises:
            StoreBusy: the database cannot be asked.
        """
        return await self._shielded(self._look(work))

    async def close(self) -> None:
        """Finish what runs, then let go of every connection."""
        self._closing = True
        if self._running:
            await asyncio.wait(self._running, timeout=REACH_SECONDS)
        try:
            async with asyncio.timeout(REACH_SECONDS):
                await self._pool.close()
        except (TimeoutError, *LOST):
            self._pool.terminate()

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """A caller that goes away does not undo what is already on its way."""
        if self._closing:
            work.close()
            raise StoreBusy("the ledger is closing")
        return await asyncio.shield(self._keep(work))

    def _keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # heard by whoever waited, if somebody still did

    async def _transact(self, work: Callable[[ServerConnection], T]) -> T:
        why = ""
        for tries in range(1, TRIES + 1):
            commit = _Commit()
            try:
                return await self._once(work, commit)
            except AGAIN as error:
                why = f"another relay was always first ({error})"
            except asyncpg.ReadOnlySQLTransactionError as error:
                why = f"the database takes nothing any more: {error}"
                await self._pool.expire_connections()  # it may be a standby by now, and another one the primary
            except LOST as error:
                why = f"the database cannot be reached: {told(error)}"
            except asyncpg.PostgresError as error:
                if not isinstance(error, asyncpg.OperatorInterventionError):
                    raise _refused(error) from error
                why = f"the database broke it off: {error}"
            if commit.sent:
                break
            if tries < TRIES:
                await asyncio.sleep(random.uniform(0.5, 1.5) * 0.01 * 2**tries)  # noqa: S311 - a pause
        raise StoreBusy(f"{why}, at the commit: it may or may not be done" if commit.sent else why)

    async def _once(self, work: Callable[[ServerConnection], T], commit: _Commit) -> T:
        async with self._pool.acquire(timeout=REACH_SECONDS) as raw:
            await raw.execute(self._begin)
            try:
                result = await in_greenlet(partial(_whole, work, ServerConnection(raw, self.seal)))
                failpoints.reach("ledger_committing")
                await commit.send(raw)
                failpoints.reach("ledger_committed")
            except BaseException as error:
                if isinstance(error, asyncpg.InternalClientError):
                    raw.terminate()
                elif not commit.sent and not is_lost(raw):
                    await raw.execute("rollback")
                raise
            return result

    async def _look(self, work: Callable[[ServerConnection], T]) -> T:
        for tries in (1, 2):
            try:
                async with self._pool.acquire(timeout=REACH_SECONDS) as raw:
                    try:
                        return await in_greenlet(partial(work, ServerConnection(raw, self.seal)))
                    except asyncpg.InternalClientError:
                        raw.terminate()
                        raise
            except (*LOST, asyncpg.OperatorInterventionError) as error:
                if tries > 1:
                    raise StoreBusy(f"the database cannot be reached: {told(error)}") from error
            except asyncpg.PostgresError as error:
                raise _refused(error) from error
        raise AssertionError("a loop of two ends in its body")


def end_stuck(connection: ServerConnection, after: float = FROZEN_SECONDS) -> None:
    """End transactions whose relay stands still in the middle of a statement: their locks would be held until it wakes.

    The server ends one that stands still between two statements by itself (`idle_in_transaction_session_timeout`); one
    that prepared a statement and did not run it counts as active, and no timeout before PostgreSQL 17 ends it.
    """
    connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
        "and usename = current_user and state = 'active' and wait_event = 'ClientRead' "
        "and query_start < clock_timestamp() - make_interval(secs => $1)",
        (after,),
    )


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


class _Commit:
    """A commit, and whether it was sent: from then on only its answer tells whether it was done."""

    def __init__(self) -> None:
        self.sent = False

    async def send(self, raw: Raw) -> None:
        """Commit.

        Raises:
            StoreBusy: the database undid the transaction instead; that is an answer, and no error, to it.
        """
        self.sent = True
        done = await raw.execute("commit")
        if done != "COMMIT":
            raise StoreBusy(f"the database answered the commit with {done}: nothing was written")


def _whole(work: Callable[[ServerConnection], T], connection: ServerConnection) -> T:
    result = work(connection)
    connection.write_all()
    return result


def told(error: BaseException) -> str:
    """What went wrong, never with a password: asyncpg names hosts and users only."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _refused(error: asyncpg.PostgresError) -> StoreBusy:
    return StoreBusy(f"the database refused: {error}")
