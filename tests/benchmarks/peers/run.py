"""The relay with one rule that forwards everything, and the peers, one after the other, on the same load and sink."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.load import SECRET
from tests.benchmarks.rig import free_port, relay, serving, sinking
from tests.benchmarks.whole_way import through

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.benchmarks.rig import Server, Sinks

HERE = Path(__file__).parent
PYTHON_PEERS = ("huey==3.5.4", "requests", "aiohttp==3.14.5", "uvloop==0.23.0")
NODE_PEERS = ("node-red@4.1.15",)


def prepare(folder: Path) -> None:
    """Install what is missing into the folder; what cannot be installed is left out of the table, with a word."""
    python = folder / "py" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "py", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PYTHON_PEERS], check=True)
    node = folder / "node"
    if shutil.which("npm") and not (node / "node_modules").exists():
        subprocess.run(["npm", "install", "--prefix", node, "--no-audit", "--no-fund", *NODE_PEERS], check=False)


@contextlib.contextmanager
def _huey(folder: Path, sinks: Sinks, *, fsync: bool) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as place:
        port = free_port()
        command = [str(folder / "py" / "bin" / "python"), str(HERE / "huey_door.py"), str(port)]
        environment = {
            "BENCH_SECRET": SECRET,
            "PEER_DB": f"{place}/huey.db",
            "PEER_FSYNC": "1" if fsync else "0",
            "PEER_SINK": f"http://127.0.0.1:{sinks.ports[0]}/first",
        }
        with serving(command, port, folder=Path(place), **environment) as server:
            yield server


@contextlib.contextmanager
def _node_red(folder: Path, sinks: Sinks) -> Iterator[Server]:
    """An http-in node, a function that checks the secret, an answer of 202, and a request to the sink."""
    proof = f"if (msg.req.headers['x-relay-secret'] !== '{SECRET}') return null; msg.headers = {{'content-type': "
    proof += "'application/json'}; msg.statusCode = 202; return [msg, {payload: msg.payload, headers: msg.headers}];"
    sink = f"http://127.0.0.1:{sinks.ports[0]}/first"
    nodes = [
        {"id": "t", "type": "tab", "label": "relay"},
        {"id": "a", "z": "t", "type": "http in", "url": "/hooks/callscaler", "method": "post", "wires": [["b"]]},
        {"id": "b", "z": "t", "type": "function", "func": proof, "outputs": 2, "wires": [["c"], ["d"]]},
        {"id": "c", "z": "t", "type": "http response", "wires": []},
        {"id": "d", "z": "t", "type": "http request", "method": "POST", "ret": "txt", "url": sink, "persist": True,
         "wires": [[]]},
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        port = free_port()
        (Path(place) / "flows.json").write_text(json.dumps(nodes))
        settings = f"module.exports = {{uiPort: {port}, uiHost: '127.0.0.1', flowFile: 'flows.json', "
        settings += "disableEditor: true, logging: {console: {level: 'error'}}};"
        (Path(place) / "settings.js").write_text(settings)
        red = folder / "node" / "node_modules" / "node-red" / "red.js"
        node = shutil.which("node") or "node"
        with serving([node, str(red), "--userDir", place], port, folder=Path(place)) as server:
            yield server


def peers(setting: Setting) -> Iterator[Figure]:
    """Accepted and delivered a second, and processor for 10,000 deliveries; only where `--peers` names a folder."""
    folder = setting.peers
    if folder is None:
        return
    prepare(folder)
    ways: dict[str, Callable[[Sinks], AbstractContextManager[Server]]] = {
        "relay": lambda sinks: relay("forward.yaml", sinks=sinks.ports),
        "huey, fsync": lambda sinks: _huey(folder, sinks, fsync=True),
        "huey, default (loses on power cut)": lambda sinks: _huey(folder, sinks, fsync=False),
        "node-red (in memory)": lambda sinks: _node_red(folder, sinks),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(setting.rounds):
        for name, way in ways.items():
            try:
                with sinking() as sinks, way(sinks) as server:
                    found[name].append(through(server, sinks, setting.seconds, each=1, warm=0.5))
            except OSError as error:
                sys.stderr.write(f"  {name} does not run here: {error}\n")
    told = {name: {key: median(one[key] for one in runs) for key in runs[0]} for name, runs in found.items() if runs}
    for name, one in told.items():
        yield Figure(f"accepted, {name}", one["accepted"], "/s")
        yield Figure(f"delivered, {name}", one["rate"], "/s", beside=f"{one['cpu']:.2f} s of processor for 10,000")
    durable = [one["accepted"] for name, one in told.items() if "fsync" in name]
    others = [one for name, one in told.items() if name != "relay"]
    if durable:
        ratio = told["relay"]["accepted"] / max(durable)
        yield Figure("accepted, of the best that is durable before it answers", ratio, "", 3)
    if others:
        yield Figure("delivered, of the best of all", told["relay"]["rate"] / max(one["rate"] for one in others), "", 2)
        least = min(one["cpu"] for one in others)
        yield Figure("processor for a delivery, of the least of all", told["relay"]["cpu"] / least, "", 1, at_most=True)
