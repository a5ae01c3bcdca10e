"""The tables of the first version, which every later one changes by a migration."""

from __future__ import annotations

FIRST = """
create table meta (name text primary key, value blob not null) strict, without rowid;

create table marks (name text primary key, at real not null) strict, without rowid;

create table events (
    seq integer primary key,
    id text not null unique,
    source text not null,
    type text not null,
    key text not null,
    of_type text not null,
    nth integer not null,
    received_at real not null,
    started_at real,
    age_known integer not null,
    late integer not null,
    caller text,
    caller_raw text,
    number text,
    call text not null,
    raw text not null,
    repeats integer not null default 0,
    planned_at real,
    body blob
) strict;
create unique index events_once on events (source, key, of_type, nth);
create index events_unplanned on events (seq) where planned_at is null;
create index events_key on events (key, seq);
create index events_caller on events (caller, seq) where caller is not null;
create index events_replies on events (caller, received_at) where type = 'text.received';
create index events_number on events (number, seq) where number is not null;
create index events_received on events (received_at);

create table verdicts (event text primary key, at real not null, config text not null, verdicts text not null)
    strict, without rowid;

create table rule_versions (version text primary key, name text not null, form text not null, first_at real not null)
    strict, without rowid;

create table deliveries (
    seq integer primary key,
    id text not null unique,
    event text not null,
    run text not null,
    rule text not null,
    rule_version text not null,
    step integer not null,
    kind text not null,
    connector text not null,
    lane text,
    state text not null,
    due_at real,
    first_due_at real,
    born_at real not null,
    shadow integer not null,
    action text,
    reason text,
    claims integer not null default 0,
    tries integer not null default 0,
    lease_until real,
    notes text not null default '{}',
    receipt text,
    settled_at real
) strict;
create index deliveries_due on deliveries (connector, due_at) where state = 'due' and lease_until is null;
create index deliveries_ripe on deliveries (due_at) where state in ('waiting', 'held') and due_at is not null;
create index deliveries_leased on deliveries (lease_until) where lease_until is not null;
create index deliveries_under_way on deliveries (connector, lane) where lease_until is not null;
create index deliveries_unknown on deliveries (due_at) where state = 'unknown' and lease_until is null;
create index deliveries_lane on deliveries (connector, lane, seq) where state in ('due', 'sending');
create index deliveries_run on deliveries (run, step);
create index deliveries_event on deliveries (event);
create index deliveries_state on deliveries (state, seq);

create table attempts (
    seq integer primary key,
    delivery text not null,
    number integer not null,
    started_at real not null,
    seconds real not null,
    outcome text not null,
    answer text not null
) strict;
create index attempts_delivery on attempts (delivery, seq);

create table calls (
    source text not null,
    key text not null,
    caller text,
    number text,
    began_at real not null,
    direction text not null,
    outcome text not null,
    answered integer not null,
    seconds real not null default 0,
    primary key (source, key)
) strict, without rowid;
create index calls_caller on calls (caller, began_at) where caller is not null;
create index calls_long on calls (caller) where answered and seconds >= 120 and caller is not null;
create index calls_number on calls (number, began_at) where number is not null;

create table texts (
    id text primary key,
    run text not null,
    rule text not null,
    recipient text not null,
    prefix text not null,
    sender text,
    body text,
    state text not null,
    shadow integer not null,
    at real not null,
    provider_id text
) strict, without rowid;
create index texts_recipient on texts (recipient, at);
create index texts_prefix on texts (prefix, at);
create index texts_at on texts (at);
create unique index texts_provider on texts (provider_id) where provider_id is not null;

create table opt_outs (person blob primary key, at real not null, how text not null, number text) strict, without rowid;

create table tags (person text not null, tag text not null, at real not null, primary key (person, tag))
    strict, without rowid;

create table once (rule text not null, value text not null, run text not null, primary key (rule, value))
    strict, without rowid;

create table numbers (
    number text primary key,
    id text not null,
    name text,
    group_name text,
    group_id text,
    status text,
    sms_enabled integer,
    created_at real,
    read_at real not null
) strict, without rowid;

create table requests (
    seq integer primary key,
    at real not null,
    kind text not null,
    source text not null,
    status integer not null,
    reason text not null,
    remote text not null,
    headers text not null,
    body blob not null
) strict;
create index requests_kind on requests (kind, seq);
"""
