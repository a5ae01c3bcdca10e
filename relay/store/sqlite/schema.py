"""The tables of the ledger, made and changed by named migrations; times are Unix seconds, JSON is UTF-8 text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlite_utils import Migrations

from relay.store.sqlite.first_tables import FIRST

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("relay")


def _run(db: Database, statements: str) -> None:
    """Statements end in a semicolon at the end of a line; a line that is indented goes on with one."""
    for statement in re.split(r";\n(?! )", statements):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def first(db: Database) -> None:
    """Everything of the first version."""
    _run(db, FIRST)
    db.conn.execute("insert into meta (name, value) values ('opt_out_key', randomblob(32))")


@migrations()
def alerts(db: Database) -> None:
    """What somebody should see to: one open row at most for each cause."""
    db.conn.execute(
        "create table alerts (id integer primary key, cause text not null, what text not null, remedy text not null, "
        "opened_at real not null, closed_at real, told integer not null default 0, told_at real) strict"
    )
    db.conn.execute("create unique index alerts_open on alerts (cause) where closed_at is null")
    db.conn.execute("create index alerts_closed on alerts (closed_at)")
    db.conn.execute("create index alerts_cause on alerts (cause, id)")


_UPKEEP = """
alter table events add column pruned integer not null default 0;
create index events_pruned on events (pruned, seq);
create index texts_bodies on texts (at) where body is not null;
create table seen (call blob not null, type text not null, event text not null, at real not null,
    primary key (call, type)) strict, without rowid;
create table counts (name text primary key, n integer not null) strict, without rowid;
insert into counts (name, n) values ('accepted', (select count(*) from events));
insert into counts (name, n) values ('enriched', (select count(*) from events where type = 'call.enriched'));
insert into counts (name, n) values ('duplicates', (select coalesce(sum(repeats), 0) from events));
insert into counts (name, n) values ('unplanned', (select count(*) from events where planned_at is null));
insert into counts (name, n) values ('planned', (select count(*) from events where planned_at is not null));
insert into counts (name, n) values ('pruned', 0);
insert into counts (name, n) values ('owed', (select count(*) from deliveries));
insert into counts (name, n) values ('forgotten', 0);
insert into counts (name, n) select 'state ' || state, count(*) from deliveries group by state;
create trigger count_arrived after insert on events begin
    update counts set n = n + 1 where name = case when new.planned_at is null then 'unplanned' else 'planned' end; end;
create trigger count_planned after update of planned_at on events
    when (old.planned_at is null) <> (new.planned_at is null) begin
    update counts set n = n + case when (name = 'planned') = (new.planned_at is not null) then 1 else -1 end
        where name in ('planned', 'unplanned'); end;
create trigger count_gone after delete on events begin
    update counts set n = n - 1 where name = case when old.planned_at is null then 'unplanned' else 'planned' end; end;
create trigger count_owed after insert on deliveries begin
    insert into counts (name, n) values ('state ' || new.state, 1) on conflict (name) do update set n = n + 1; end;
create trigger count_moved after update of state on deliveries when old.state <> new.state begin
    update counts set n = n - 1 where name = 'state ' || old.state;
    insert into counts (name, n) values ('state ' || new.state, 1) on conflict (name) do update set n = n + 1; end;
create trigger count_let_go after delete on deliveries begin
    update counts set n = n - 1 where name = 'state ' || old.state; end;
"""


@migrations()
def upkeep(db: Database) -> None:
    """What is pruned is remembered in short, and rows count themselves, against what the door and the planner count."""
    _run(db, _UPKEEP)


@migrations()
def said_modes(db: Database) -> None:
    """What people said of the modes of rules, above the file."""
    db.conn.execute(
        "create table said_modes (rule text primary key, mode text not null, over text not null, at real not null) "
        "strict, without rowid"
    )


@migrations()
def memories(db: Database) -> None:
    """What connectors remember from one delivery to the next."""
    db.conn.execute(
        "create table memories (connector text not null, key text not null, value text not null, at real not null, "
        "primary key (connector, key)) strict, without rowid"
    )
    db.conn.execute("create index memories_at on memories (connector, at)")


_PAGES = """
create table traffic (hour integer not null, number text not null, outcome text not null, calls integer not null,
    primary key (hour, number, outcome)) strict, without rowid;
create table ruled (hour integer not null, rule text not null, verdict text not null, n integer not null,
    primary key (hour, rule, verdict)) strict, without rowid;
create index events_type on events (type, seq);
create index deliveries_backlog on deliveries (connector, state) where state in ('waiting', 'held', 'unknown');
insert into traffic (hour, number, outcome, calls) select cast(began_at / 3600 as integer), coalesce(number, ''),
    outcome, count(*) from calls where direction = 'inbound' group by 1, 2, 3
"""


@migrations()
def pages(db: Database) -> None:
    """What people look at: calls by the hour, verdicts by the hour, and indexes for the lists."""
    _run(db, _PAGES)


@migrations()
def long_calls(db: Database) -> None:
    """Long calls are asked for in words that every backend understands; the index says the same words."""
    db.conn.execute("drop index calls_long")
    db.conn.execute(
        "create index calls_long on calls (caller) where answered = 1 and seconds >= 120 and caller is not null"
    )


@migrations()
def standings(db: Database) -> None:
    """How each connector stands: its breaker, and whether it is paused."""
    db.conn.execute(
        "create table standings (connector text primary key, opened_at real, probe_at real, "
        "wait real not null default 0, fault text, paused_at real, paused_by text, paused_why text) "
        "strict, without rowid"
    )
    db.conn.execute(
        "create index deliveries_again on deliveries (connector, seq) "
        "where state = 'due' and tries > 0 and lease_until is null"
    )


@migrations()
def answers(db: Database) -> None:
    """Acts by the key of whoever asked for them."""
    db.conn.execute(
        "create table asked (name text primary key, what text not null, answer text, at real not null) "
        "strict, without rowid"
    )
    db.conn.execute("create index asked_at on asked (at)")


@migrations()
def number_hours(db: Database) -> None:
    """Facts of a number are counted from its calls by the hour, which are therefore as the calls are."""
    db.conn.execute("create index traffic_number on traffic (number, hour, outcome, calls)")
    db.conn.execute("delete from traffic")
    db.conn.execute(
        "insert into traffic (hour, number, outcome, calls) select cast(began_at / 3600 as integer), "
        "coalesce(number, ''), outcome, count(*) from calls where direction = 'inbound' group by 1, 2, 3"
    )


_ACTS = """
create table acts (seq integer primary key, at real not null, who text not null, what text not null,
    about text not null, config text not null) strict;
create trigger acts_stay before delete on acts begin select raise(abort, 'what people did stays written'); end;
create trigger acts_stand before update of seq, at, what, config on acts begin
    select raise(abort, 'what people did stays written'); end
"""


@migrations()
def acts(db: Database) -> None:
    """What people did: rows that stay."""
    _run(db, _ACTS)


_NODES = """
create table nodes (id text primary key, host text not null, pid integer not null, version text not null,
    config text not null, roles text not null, started_at real not null, seen_at real not null, lag real)
    strict, without rowid;
create table duties (name text primary key, node text not null, until real not null) strict, without rowid
"""


@migrations()
def nodes(db: Database) -> None:
    """Relays that share the ledger, and what one does for all."""
    _run(db, _NODES)


@migrations()
def unconfirmed(db: Database) -> None:
    """Events that are held until the phone system knows their calls."""
    db.conn.execute("create table unconfirmed (event text primary key) strict, without rowid")


_MOVES = """
create table number_runs (
    id text primary key,
    kind text not null,
    by text not null,
    at real not null,
    state text not null,
    key text not null,
    why text not null,
    ask text,
    until real,
    told_at real,
    answered_by text,
    answered_at real,
    moves integer not null
) strict, without rowid;
create index number_runs_at on number_runs (at, id);
create index number_runs_state on number_runs (state, at, id);
create table changes (
    id text primary key,
    run text not null,
    place integer not null,
    number text not null,
    kind text not null,
    action text not null,
    because text not null,
    rule text not null,
    source text,
    target text,
    state text not null,
    notes text not null,
    reason text,
    moved integer not null,
    at real not null,
    settled_at real
) strict, without rowid;
create index changes_run on changes (run, place, at, id);
create index changes_number on changes (number, at);
create table outages (since real primary key, until real not null) strict, without rowid;
drop index calls_number;
create index calls_number on calls (number, began_at, direction, answered) where number is not null;
"""


@migrations()
def moves(db: Database) -> None:
    """What became of numbers, of which times nothing is known, and calls of a number counted from the index alone."""
    _run(db, _MOVES)


_VERDICT_ROWS = """
alter table verdicts rename to verdicts_before;
create table verdicts (event text not null primary key, at real not null, config text not null, verdicts text not null)
    strict;
insert into verdicts (event, at, config, verdicts) select event, at, config, verdicts from verdicts_before;
drop table verdicts_before;
"""


@migrations()
def verdict_rows(db: Database) -> None:
    """Verdicts in a table that numbers its rows.

    In one without numbers, whatever is longer than a quarter of a page takes a page of its own: the verdicts of ten
    rules took 4.7 kB, three quarters of it empty. Source: https://sqlite.org/withoutrowid.html (section 4).
    """
    _run(db, _VERDICT_ROWS)


_CALLERS = """
drop index calls_long;
drop index calls_caller;
create index calls_caller on calls (caller, began_at, direction, number, answered, seconds) where caller is not null
"""


@migrations()
def callers(db: Database) -> None:
    """What is known of a caller is read from one index: each call touches one page of its caller instead of two."""
    _run(db, _CALLERS)


@migrations()
def outcomes(db: Database) -> None:
    """What came of what people did."""
    db.conn.execute("alter table acts add column outcome text")


LATEST = frozenset(
    {
        "outcomes",
        "callers",
        "verdict_rows",
        "unconfirmed",
        "answers",
        "number_hours",
        "acts",
        "nodes",
        "pages",
        "long_calls",
        "standings",
        "upkeep",
        "first",
        "alerts",
        "said_modes",
        "memories",
        "moves",
    }
)
