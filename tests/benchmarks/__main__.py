"""Accepting against a bare handler, in paired rounds; memory at rest; how long `relay --help` takes."""

from __future__ import annotations

import json
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
SECONDS = 4.0
PATIENCE = 20.0

CONFIG = """
server: {listen: "127.0.0.1:%d", admin: "127.0.0.1:0"}
sources:
  callscaler:
    type: callscaler
    proof: {header: X-Relay-Secret, secret: "${BENCH_SECRET}"}
"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(command: list[str], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that answers, ended by its own process id."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
        yield process
    finally:
        process.terminate()
        process.wait(30)


def measure(port: int, connections: int) -> dict[str, float]:
    """One round of load."""
    url = f"http://127.0.0.1:{port}/hooks/callscaler"
    command = [sys.executable, "-m", "tests.benchmarks.load", url, str(connections), str(SECONDS)]
    figures: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return figures


def memory(process: subprocess.Popen[bytes]) -> float:
    """Resident megabytes of a process."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the process is gone")


def relay_command(folder: Path, port: int) -> list[str]:
    """`relay serve` on a configuration of its own."""
    config = folder / "relay.yaml"
    config.write_text(CONFIG % port)
    return [sys.executable, "-m", "relay", "-c", str(config), "serve"]


def accepting() -> dict[str, Any]:
    """The relay and the bare handler in turn; the ratio of each pair, and its median."""
    rounds: dict[int, list[tuple[dict[str, float], dict[str, float]]]] = {1: [], 64: []}
    idle: list[float] = []
    for _ in range(ROUNDS):
        for connections, found in rounds.items():
            port = free_port()
            with serving([sys.executable, "-m", "tests.benchmarks.bare", str(port)], port):
                bare = measure(port, connections)
            with tempfile.TemporaryDirectory() as folder:
                port = free_port()
                with serving(relay_command(Path(folder), port), port, BENCH_SECRET="obviously-false-secret") as process:
                    idle.append(memory(process))
                    found.append((measure(port, connections), bare))
    return {
        "idle_mb": statistics.median(idle),
        **{
            f"c{connections}": {
                "relay_rate": statistics.median(relay["rate"] for relay, _ in found),
                "bare_rate": statistics.median(bare["rate"] for _, bare in found),
                "ratio": statistics.median(relay["rate"] / bare["rate"] for relay, bare in found),
                "p50_ms": statistics.median(relay["p50"] for relay, _ in found),
                "p99_ms": statistics.median(relay["p99"] for relay, _ in found),
            }
            for connections, found in rounds.items()
        },
    }


def help_seconds() -> float:
    """`relay --help` as a whole process, the median of nine."""
    taken = []
    for _ in range(9):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "relay", "--help"], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Print a table on stderr and one JSON object on stdout."""
    figures = {
        "python": platform.python_version(),
        "accepting": accepting(),
        "help_seconds": help_seconds(),
        "bench_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    accepted = figures["accepting"]
    lines = [
        f"idle memory               {accepted['idle_mb']:.0f} MB",
        f"relay --help              {figures['help_seconds']:.3f} s",
        *(
            f"accepting, {name[1:]:>2} connections  {row['relay_rate']:.0f}/s, {row['ratio']:.2f} of a bare handler "
            f"({row['bare_rate']:.0f}/s), p50 {row['p50_ms']:.2f} ms, p99 {row['p99_ms']:.1f} ms"
            for name, row in accepted.items()
            if name != "idle_mb"
        ),
    ]
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
