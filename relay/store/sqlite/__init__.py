"""The ledger in one SQLite file: one writes, and whatever waits is committed together."""

from relay.store.sqlite.ballast import Ballast
from relay.store.sqlite.file import SqliteStore

__all__ = ["Ballast", "SqliteStore"]
