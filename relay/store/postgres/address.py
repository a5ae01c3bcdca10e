"""A `postgresql://…` address: what libpq understands, and three words of the relay's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from relay.errors import StoreUnusable
from relay.store.place import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTIONS = 8
_OWN = {"pooler", "listen", "connections", "notify"}
_LIBPQ_ONLY = {
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "requirepeer",
    "require_auth",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
}
"""Parameters that change nothing here: asyncpg does not know them, and would hand them to the server as settings."""


@dataclass(frozen=True)
class Address:
    """Where the database is, and how it is reached."""

    dsn: str = field(repr=False)
    """For asyncpg, without the relay's own words."""
    place: str
    """For people: host, port and database, without a user or a password."""
    pooled: bool = False
    """A pooler in transaction mode stands in between: nothing may be left in a session."""
    listen: str | None = field(default=None, repr=False)
    """Where wake-ups are listened for; None where nobody listens, and polling is all there is."""
    connections: int = CONNECTIONS
    notify: bool = True
    """Whether others are woken by NOTIFY."""
    for_writing: Mapping[str, Any] = field(default_factory=dict)
    """What asyncpg is told where the server must take what is written: after a failover a standby may answer first."""


def read_address(url: str) -> Address:
    """Read `postgresql://user:password@host:port/database?…`, with any parameter that libpq knows.

    `?pooler=transaction` says that PgBouncer or the like stands in between, `&listen=HOST:PORT` where the server itself
    is, `?notify=off` that the database knows no NOTIFY, `?connections=8` how many this relay may open.

    Raises:
        StoreUnusable: it cannot be read.
    """
    parts = urlsplit(url)
    if not url.startswith(SCHEMES):
        raise StoreUnusable("a PostgreSQL ledger is written postgresql://user@host/database")
    words = parse_qsl(parts.query, keep_blank_values=True)
    own = {name: value for name, value in words if name in _OWN}
    if ("channel_binding", "require") in words:
        raise StoreUnusable(
            "channel_binding=require cannot be kept here; leave it out, with sslmode=verify-full instead"
        )
    rest = urlencode([(name, value) for name, value in words if name not in _OWN | _LIBPQ_ONLY], safe="/,@")
    dsn = _written(parts.netloc, parts.path, rest)
    pooler = own.get("pooler", "none")
    if pooler not in ("none", "session", "transaction"):
        raise StoreUnusable(f"pooler={pooler} in the store's address: write transaction, session or none")
    connections = own.get("connections", str(CONNECTIONS))
    if not connections.isdecimal() or not 2 <= int(connections) <= 200:  # noqa: PLR2004 - one may wait for another
        raise StoreUnusable(f"connections={connections} in the store's address: write a number from 2 to 200")
    pooled, notify = pooler == "transaction", own.get("notify", "on") != "off"
    return Address(
        dsn=dsn,
        place=_place(parts.netloc.rpartition("@")[2], parts.path, dict(words)),
        pooled=pooled,
        listen=_listen(parts.netloc, dsn, own.get("listen"), pooled=pooled) if notify else None,
        connections=int(connections),
        notify=notify,
        for_writing={} if "target_session_attrs" in dict(words) else {"target_session_attrs": "read-write"},
    )


def _listen(netloc: str, dsn: str, direct: str | None, *, pooled: bool) -> str | None:
    if direct is None:
        return None if pooled else dsn
    who, at, _ = netloc.rpartition("@")
    parts = urlsplit(dsn)
    return _written(f"{who}{at}{direct}", parts.path, parts.query)


def _written(netloc: str, path: str, query: str) -> str:
    """An address, where the host may be empty."""
    return f"postgresql://{netloc}{path}" + (f"?{query}" if query else "")


def _place(host: str, path: str, words: Mapping[str, str]) -> str:
    where = host or words.get("host", "localhost")
    return f"{where}/{path.strip('/') or words.get('dbname', words.get('database', ''))}".rstrip("/")
