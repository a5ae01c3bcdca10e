"""Opening a database: reach it, see that it keeps what it commits, and bring its schema up to date."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from relay.errors import StoreUnusable
from relay.store.postgres.connection import LOST
from relay.store.postgres.engine import REACH_SECONDS, SESSION, STATEMENT_SECONDS, Engine, told
from relay.store.postgres.schema import insist_on_latest, migrate

if TYPE_CHECKING:
    from relay.store.postgres.address import Address
    from relay.store.postgres.connection import Raw

log = structlog.get_logger(__name__)

_SAFE = {"on", "remote_apply"}


async def open_engine(address: Address, *, writes: bool) -> Engine:
    """Connect; with `writes` the schema is brought up to date, else it has to be.

    Raises:
        StoreUnusable: the server cannot be reached, does not make sure that what is committed stays, or its schema is
            another; the message says why and what to do.
    """
    pool = await _connect_pool(address, writes=writes)
    try:
        async with pool.acquire() as raw:
            if writes:
                await migrate(raw)
            else:
                await insist_on_latest(raw, address.place)
    except StoreUnusable:
        await pool.close()
        raise
    except asyncpg.InsufficientPrivilegeError as error:
        await pool.close()
        raise StoreUnusable(
            f"the PostgreSQL ledger at {address.place} is to be brought up to date, which this user may not do: let"
            f" the role that owns its tables start a relay of this version once, then grant what is new ({error})"
        ) from None
    except (asyncpg.PostgresError, OSError) as error:
        await pool.close()
        raise StoreUnusable(f"the PostgreSQL ledger at {address.place} cannot be used: {told(error)}") from None
    return Engine(pool, address)


async def _connect_pool(address: Address, *, writes: bool) -> asyncpg.Pool[Any]:
    """A pool of connections, which has reached the server once."""
    session: dict[str, Any] = {"server_settings": SESSION}
    if address.pooled:
        session = {"statement_cache_size": 0}
    if writes:
        session |= address.for_writing
    pool: asyncpg.Pool[Any] | None = None
    try:
        pool = await asyncpg.create_pool(
            address.dsn,
            min_size=0,
            max_size=address.connections,
            init=_prepare,
            timeout=REACH_SECONDS,
            command_timeout=2 * STATEMENT_SECONDS,
            reset=_leave_as_is,
            **session,
        )
        async with pool.acquire() as raw:
            committed = await raw.fetchval("show synchronous_commit")
            synced = await raw.fetchval("select setting from pg_settings where name = 'fsync'")
    except (asyncpg.PostgresError, ValueError, *LOST) as error:
        if pool is not None:
            pool.terminate()
        raise StoreUnusable(f"the PostgreSQL ledger at {address.place} cannot be opened: {_why_not(error)}") from None
    if committed not in _SAFE:
        await pool.close()
        raise StoreUnusable(
            f"the database answers before what it was told is safe (synchronous_commit is {committed}): "
            "alter role … set synchronous_commit = on"
        )
    if synced == "off" and writes:
        log.warning("the database does not sync its disk (fsync is off): a loss of power may lose acknowledged events")
    return pool


def _why_not(error: BaseException) -> str:
    """Why there is no connection, and what to look at."""
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return (
            "only a standby was found there, or a database that takes nothing; name the primary, or several hosts of "
            "which one is it"
        )
    if "startup parameter" in str(error):
        return f"{error}: PgBouncer or the like stands in between. Add ?pooler=transaction, and &listen=HOST:PORT"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not believed: {error.verify_message}. sslmode=verify-full wants a certificate for the "
            "very name in the address, signed by what sslrootcert= names"
        )
    if isinstance(error, FileNotFoundError):
        return "a file that the address names (sslrootcert=, sslcert=, sslkey=), or its socket, is not there"
    return f"{told(error)}. Check the address in store:, that the server runs, and that this user may connect"


async def _prepare(raw: Raw) -> None:
    await raw.set_type_codec("numeric", encoder=str, decoder=_number, schema="pg_catalog", format="text")


async def _leave_as_is(raw: Raw) -> None:
    """Nothing is left in a session, so nothing is put back: a question less for each transaction."""


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
