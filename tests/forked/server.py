"""Has every import of the relay behind it, and forks itself for each command that a client stands for."""

from __future__ import annotations

import contextlib
import gc
import importlib
import marshal
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import time
import warnings

import connectors
import relay
from relay.__main__ import main as command

NOT_NEEDED = ("relay.__main__", "relay.testing")


def main(door: str) -> int:
    """Fork until whoever started this is gone; a fork comes back with the exit code of its command."""
    for package in (relay, connectors):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(NOT_NEEDED):
                importlib.import_module(module.name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{door}.new")
        listening.listen(64)
        os.rename(f"{door}.new", door)  # noqa: PTH104 - now there is somebody behind it
        while True:
            ready, _, _ = select.select([listening, 0], [], [])
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if 0 in ready:
                return 0
            client, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                return keep(client)
            client.close()


def keep(client: socket.socket) -> int:
    """Fork the command, tell its process and its end; a client that is gone takes it along."""
    length, files, _, _ = socket.recv_fds(client, 4, 3, socket.MSG_WAITALL)
    folder, environment, words = marshal.loads(client.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))  # noqa: S302 - our own client's
    process = os.fork()
    if process == 0:
        client.close()
        return live(files, folder, environment, words)
    for file in (*files, 0, 1):
        os.close(file)
    client.sendall(process.to_bytes(4, "big"))

    def watch() -> None:
        client.recv(1)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    _, status = os.waitpid(process, 0)
    with contextlib.suppress(OSError):
        client.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
    os._exit(0)


def live(files: list[int], folder: str, environment: dict[str, str], words: list[str]) -> int:
    """The command itself, as if it had just been started there."""
    for place, file in enumerate(files):
        os.dup2(file, place)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    encoding, _, errors = environment.get("PYTHONIOENCODING", "").partition(":")
    said_as = {"encoding": encoding or sys.stdout.encoding, "closefd": False}
    sys.stdin = open(0, **said_as)  # noqa: SIM115 - for as long as the process lives
    for name, place, own in (("stdout", 1, "strict"), ("stderr", 2, "backslashreplace")):
        stream = open(place, "w", errors=errors or own, **said_as)  # noqa: SIM115, PTH123 - as above
        stream.reconfigure(
            line_buffering=place == 2 or stream.isatty(), write_through=bool(environment.get("PYTHONUNBUFFERED"))
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    warnings.simplefilter("error")
    sys.argv = ["relay", *words]
    if words[:1] == ["-m"]:
        importlib.import_module(words[1]).main(words[2:])
    else:
        command()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
