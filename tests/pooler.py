"""PgBouncer in transaction mode, as managed databases put it before PostgreSQL. It refuses to run as root, too."""

from __future__ import annotations

import os
import shutil
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from tests.kept import keep
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.postgres import a_user

if TYPE_CHECKING:
    from tests.postgres import Server

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
_SETTINGS = """\
[databases]
* = host=127.0.0.1 port={to} user=relay
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
logfile = {folder}/log
"""


class Pooler:
    """Two connections to a server, for all who come."""

    def __init__(self, server: Server) -> None:
        self.port = free_port()
        self._folder = server.folder / f"pooler-{self.port}"
        self._folder.mkdir()
        self._folder.chmod(0o777)
        settings = self._folder / "settings.ini"
        settings.write_text(_SETTINGS.format(to=server.port, port=self.port, folder=self._folder))
        self._process = keep([str(PROGRAM), "-q", str(settings)], self._folder, a_user(), os.environ)
        end = time.monotonic() + PATIENCE
        while not self._listens():
            assert self._process.poll() is None, "the pooler ended"
            assert time.monotonic() < end, "the pooler never listened"
            time.sleep(0.02)

    def url(self, direct: str) -> str:
        """The address by which a database is reached through the pooler."""
        parts = urlsplit(direct)
        through = parts._replace(netloc=f"relay@127.0.0.1:{self.port}", query="pooler=transaction")
        return urlunsplit(through)

    def stop(self) -> None:
        self._process.communicate(timeout=PATIENCE)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
