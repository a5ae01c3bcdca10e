"""Bringing a database up to date: under one lock, beside relays that are running, by the same names as a file."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import asyncpg
import structlog

from relay.errors import StoreUnusable
from relay.store.drawing import COUNTS, changes, draw, names_of_all

if TYPE_CHECKING:
    from relay.store.postgres.connection import Raw

log = structlog.get_logger(__name__)

_APPLIED = "relay_migrations"
_STARTING = ("accepted", "enriched", "duplicates", "unplanned", "planned", "pruned", "owed", "forgotten")
_ACTS = """
create function relay_stays() returns trigger language plpgsql as $$
begin
    raise exception 'what people did stays written';
end $$;
create trigger relay_stay before delete on acts for each row execute function relay_stays();
create trigger relay_stand before update of seq, at, what, config on acts for each row execute function relay_stays();
"""
_COUNTING = """
create table counts (name text collate "C" not null, slot bigint not null default 0, n bigint not null,
    primary key (name, slot)) with (fillfactor = 50);

create function relay_count(what text, much bigint) returns void language sql as $$
    insert into counts (name, slot, n) select what, pg_backend_pid(), much where much <> 0
        on conflict (name, slot) do update set n = counts.n + excluded.n
$$;

create function relay_count_events() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        perform relay_count('unplanned', -(select count(*) from was where planned_at is null));
        perform relay_count('planned', -(select count(*) from was where planned_at is not null));
    end if;
    if tg_op <> 'DELETE' then
        perform relay_count('unplanned', (select count(*) from became where planned_at is null));
        perform relay_count('planned', (select count(*) from became where planned_at is not null));
    end if;
    return null;
end $$;

create function relay_count_deliveries() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform relay_count('state ' || state, n) from
            (select state, count(*) as n from became group by state) as c;
    elsif tg_op = 'DELETE' then
        perform relay_count('state ' || state, n) from
            (select state, -count(*) as n from was group by state) as c;
    else
        perform relay_count('state ' || state, n) from (
            select state, sum(n)::bigint as n from (
                select state, 1 as n from became union all select state, -1 from was
            ) as both_ways group by state
        ) as c;
    end if;
    return null;
end $$;

create trigger relay_came after insert on events
    referencing new table as became for each statement execute function relay_count_events();
create trigger relay_changed after update on events
    referencing old table as was new table as became for each statement execute function relay_count_events();
create trigger relay_went after delete on events
    referencing old table as was for each statement execute function relay_count_events();
create trigger relay_came after insert on deliveries
    referencing new table as became for each statement execute function relay_count_deliveries();
create trigger relay_changed after update on deliveries
    referencing old table as was new table as became for each statement execute function relay_count_deliveries();
create trigger relay_went after delete on deliveries
    referencing old table as was for each statement execute function relay_count_deliveries();
"""
"""Rows count themselves, a statement at a time, in rows that belong to their connection: nobody waits for a counter."""


async def migrate(raw: Raw) -> None:
    """Bring the schema up to date; the first relay does it, the others wait for it.

    Raises:
        StoreUnusable: it is newer than this program, or a database of something else.
    """
    known = names_of_all()
    if await applied(raw) != set(known):
        async with raw.transaction():
            await raw.execute("set local statement_timeout = 0")
            await raw.execute("set local idle_in_transaction_session_timeout = 0")
            await raw.execute("select pg_advisory_xact_lock(hashtextextended('relay:migrate', 0))")
            await _apply(raw, known)
    await _index(raw)


async def applied(raw: Raw) -> set[str]:
    """Names of the migrations that made this database.

    Raises:
        StoreUnusable: some of them this program does not know.
    """
    if not await raw.fetchval("select to_regclass($1) is not null", _APPLIED):
        return set()
    found = {row["name"] for row in await raw.fetch(f"select name from {_APPLIED}")}  # noqa: S608 - a constant
    if found - set(names_of_all()):
        raise StoreUnusable("the database was written by a newer version of the relay; use that version, or a backup")
    return found


async def insist_on_latest(raw: Raw, place: str) -> None:
    """Let nobody read what is written in another way.

    Raises:
        StoreUnusable: the schema is not the one that this program knows.
    """
    if set(names_of_all()) - await applied(raw):
        raise StoreUnusable(f"{place} is not a ledger of this version yet; `relay serve` brings it up to date")


async def _apply(raw: Raw, known: list[str]) -> None:
    made = await applied(raw)
    missing = [name for name in known if name not in made]
    if made:
        await _insist_on_owner(raw)
    else:
        await _refuse_strangers(raw)
        await raw.execute(f"create table {_APPLIED} (name text primary key, at double precision not null)")
    before, after = draw(made), draw(known)
    for statement in changes(before, after):
        await raw.execute(statement)
    if "acts" in after.tables and "acts" not in before.tables:
        await raw.execute(_ACTS)
    if COUNTS in after.tables and COUNTS not in before.tables:
        await raw.execute(_COUNTING)
        await raw.executemany(
            "insert into counts (name, n) values ($1, 0) on conflict do nothing", [(name,) for name in _STARTING]
        )
    await raw.execute(
        "insert into meta (name, value) values ('opt_out_key', $1) on conflict (name) do nothing", os.urandom(32)
    )
    await raw.executemany(
        f"insert into {_APPLIED} (name, at) values ($1, $2) on conflict do nothing",  # noqa: S608 - a constant
        [(name, time.time()) for name in missing],
    )
    if missing:
        log.info("the database was brought up to date", migrations=missing)


async def _insist_on_owner(raw: Raw) -> None:
    """Where everybody may make tables, as in PostgreSQL 14, a role of few rights would make some the owner cannot use.

    Raises:
        asyncpg.InsufficientPrivilegeError: the tables are somebody else's.
    """
    owned = await raw.fetchval(
        "select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass($1)", _APPLIED
    )
    if not owned:
        raise asyncpg.InsufficientPrivilegeError(f"must be owner of table {_APPLIED}")


async def _refuse_strangers(raw: Raw) -> None:
    ours = list(draw(names_of_all()).tables)
    strange = await raw.fetchval(
        "select table_name from information_schema.tables where table_schema = current_schema() "
        "and table_name = any($1::text[]) limit 1",
        ours,
    )
    if strange is not None:
        raise StoreUnusable(
            f"the database already has a table {strange} of something else; name another database, or another schema "
            "by ?search_path=relay"
        )


async def _index(raw: Raw) -> None:
    """Make what indexes are missing, without holding up whoever writes meanwhile."""
    drawn = draw(names_of_all())
    rows = await raw.fetch(
        "select c.relname as name, i.indisvalid as sound from pg_index i join pg_class c on c.oid = i.indexrelid "
        "join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema()"
    )
    sound = {row["name"]: row["sound"] for row in rows}
    for name, (_, statement) in drawn.indexes.items():
        if sound.get(name):
            continue
        if name in sound:  # a making of it that was broken off
            await raw.execute(f'drop index concurrently if exists "{name}"')
        log.info("making an index", index=name)
        await raw.execute(statement.replace(" index ", " index concurrently if not exists ", 1))
