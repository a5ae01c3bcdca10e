"""The ledger in PostgreSQL: any number of relays on one database, any of which may die."""

from relay.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
