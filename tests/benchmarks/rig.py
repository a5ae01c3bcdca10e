"""Servers as processes of their own, load on them, and what they used."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.load import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PATIENCE = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Server:
    """A running server; figures are of its process and all its children."""

    process: subprocess.Popen[bytes]
    port: int
    ready: float = 0.0
    """Seconds from its start until it answered."""

    @property
    def url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self.port}/hooks/callscaler"

    @property
    def cpu(self) -> float:
        """Seconds of processor that it has used."""
        return sum(_used(pid) for pid in _family(self.process.pid))

    def memory(self, what: str = "VmRSS") -> float:
        """Megabytes; `VmHWM` for the most it ever held. What its children share with it is counted once."""
        first, *children = _family(self.process.pid)
        return _held(first, what) + sum(_held(pid, what) - _shared(pid) for pid in children)


def _family(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _family(int(child))
    return found


def _used(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


def _held(pid: int, what: str) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _shared(pid: int) -> float:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Shared_")) / 1024
    return 0.0


@contextlib.contextmanager
def serving(command: list[str], port: int, *, folder: Path | None = None, **environment: str) -> Iterator[Server]:
    """A server process that listens, ended by its own process id."""
    began = time.monotonic()
    with (Path(folder or tempfile.gettempdir()) / f"bench-{port}.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=log, stdout=log)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                if time.monotonic() - began > PATIENCE or process.poll() is not None:
                    sys.stderr.write(Path(log.name).read_text(errors="replace")[-2000:])
                    raise
                time.sleep(0.005)
        yield Server(process, port, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(60)
        Path(log.name).unlink()


@contextlib.contextmanager
def relay(
    file: str = "reference.yaml",
    *,
    sinks: tuple[int, int] = (9, 9),
    store: Path | None = None,
    more: tuple[str, ...] = (),
) -> Iterator[Server]:
    """`relay serve` on a configuration of the benchmarks, with a fresh ledger or the one named."""
    with tempfile.TemporaryDirectory() as place:
        port, folder = free_port(), Path(place)
        command = [sys.executable, "-m", "relay", "-c", str(HERE / file), "serve", *more]
        environment = {
            "BENCH_SECRET": SECRET,
            "BENCH_FIRST": str(sinks[0]),
            "BENCH_SECOND": str(sinks[1]),
            "RELAY_LISTEN": f"127.0.0.1:{port}",
            "RELAY_STORE": f"sqlite:///{store or folder / 'relay.db'}",
        }
        with serving(command, port, folder=folder, **environment) as server:
            yield server


@contextlib.contextmanager
def bare() -> Iterator[Server]:
    """A handler that does nothing, on the same loop."""
    port = free_port()
    with serving([sys.executable, "-m", "tests.benchmarks.bare", str(port)], port) as server:
        yield server


@dataclass(frozen=True)
class Sinks:
    """Two receivers in one process."""

    ports: tuple[int, int]

    def figures(self, path: str = "figures") -> dict[str, float]:
        """What came since the last reset."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}/{path}", timeout=10) as answer:
            told: dict[str, float] = json.load(answer)
        return told

    def wait_for(self, count: int, seconds: float = 300.0) -> dict[str, float]:
        """The figures once so many have come, or once no more come for a while."""
        until, seen = time.monotonic() + seconds, -1.0
        while True:
            told = self.figures()
            if told["count"] >= count or time.monotonic() > until:
                return told
            if told["count"] > seen:
                seen, until = told["count"], time.monotonic() + min(seconds, 15.0)
            time.sleep(0.05)


@contextlib.contextmanager
def sinking() -> Iterator[Sinks]:
    """The two receivers."""
    ports = (free_port(), free_port())
    with serving([sys.executable, "-m", "tests.benchmarks.sink", *map(str, ports)], ports[0]):
        yield Sinks(ports)


def run(module: str, *arguments: object) -> dict[str, Any]:
    """A module of the benchmarks in a process of its own; what it prints."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return told


def load(url: str, **options: object) -> dict[str, Any]:
    """One round of load."""
    told = run("load", url, *(part for name, value in options.items() for part in (f"--{name}", value)))
    if set(told["codes"]) - {"200", "202"}:
        raise SystemExit(f"unexpected answers: {told['codes']}")
    return told
