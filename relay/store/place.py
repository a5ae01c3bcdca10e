"""Where a ledger is, and opening what is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from relay.store import Store
    from relay.store.seal import Keys
    from relay.store.sqlite.apart import Apart

log = structlog.get_logger(__name__)

SCHEMES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class Place:
    """A SQLite file, or the address of a PostgreSQL database, which may hold a password."""

    file: Path | None = None
    address: str | None = field(default=None, repr=False)

    def file_or(self, why: str) -> Path:
        """The file.

        Raises:
            StoreUnusable: it is a database; `why` says what that means.
        """
        if self.file is None:
            raise StoreUnusable(why)
        return self.file


def without_extra(error: ModuleNotFoundError) -> StoreUnusable:
    """What to tell whoever has not installed what PostgreSQL needs."""
    return StoreUnusable(f"a ledger in PostgreSQL needs {error.name}: in the clone, pip install '.[postgres]'")


def fork_writer(place: Place, keys: Keys | None, decisions: Callable[[], object]) -> Apart | None:
    """A process that will write a ledger's file, to be handed to `open_ledger`; None where this one does it as well.

    To be called while this process has one thread. `decisions` answers what will be carried there.
    """
    if place.file is None:
        return None
    from relay.store.sqlite import Ballast  # noqa: PLC0415 - only the engine that is used
    from relay.store.sqlite.apart import Apart, can_be_apart  # noqa: PLC0415 - as above
    from relay.store.sqlite.wire import unfit  # noqa: PLC0415 - as above

    if not can_be_apart():
        return None
    try:
        why = unfit(decisions())
    except Exception as error:  # noqa: BLE001 - a connector of somebody's own; where it matters, it will say so again
        why = f"{type(error).__name__}: {error}"
    if why is not None:
        log.warning("the ledger gets no process of its own, which would be quicker: a rule cannot be carried", why=why)
        return None
    try:
        return Apart(place.file, keys, Ballast(place.file))
    except OSError as error:
        log.warning("the ledger gets no process of its own, which would be quicker: none can be made", why=str(error))
        return None


async def open_ledger(
    place: Place,
    *,
    read_only: bool = False,
    keys: Keys | None = None,
    ballast: bool = False,
    apart: Apart | None = None,
) -> Store:
    """Open a ledger; with `ballast` a file keeps some room for the day that the disk is full.

    Raises:
        StoreUnusable: it cannot be used; the message says why and what to do.
    """
    if place.address is None:
        from relay.store.sqlite import Ballast, SqliteStore  # noqa: PLC0415 - only the engine that is used

        kept = Ballast(place.file) if ballast and place.file is not None else None
        return SqliteStore(place.file, read_only=read_only, keys=keys, ballast=kept, apart=apart)
    try:
        from relay.store.postgres import PostgresStore  # noqa: PLC0415 - an extra, and only the engine that is used
    except ModuleNotFoundError as error:
        raise without_extra(error) from None
    return await PostgresStore.open(place.address, read_only=read_only, keys=keys)


def tell_addresses(place: Place, admin: str, public: str) -> None:
    """Let commands beside this process know the HOST:PORT of its listeners; `public` is empty where it has none.

    A database needs no telling.
    """
    if place.file is None:
        return
    from relay.store.sqlite.opening import tell_addresses as tell  # noqa: PLC0415 - only the engine that is used

    tell(place.file, admin, public)


def public_address(place: Place) -> str | None:
    """The HOST:PORT at which the service that has this ledger takes webhooks, whatever flags it was started with.

    None where none runs, it has no such listener, or the ledger is a database, which many may share.
    """
    if place.file is None:
        return None
    from relay.store.sqlite.opening import public_address as told  # noqa: PLC0415 - only the engine that is used

    return told(place.file)


def is_held(place: Place) -> bool:
    """Whether another process that lives has a file to itself; a database is nobody's alone."""
    if place.file is None:
        return False
    from relay.store.sqlite.opening import is_held as told  # noqa: PLC0415 - only the engine that is used

    return told(place.file)
