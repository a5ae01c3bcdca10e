"""How each peer is installed, set up for the same work, and started; settings are documented ones, lightly tuned."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.load import SECRET
from tests.benchmarks.rig import PATIENCE, free_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.rig import Server, Sinks

HERE = Path(__file__).parent
PYTHON_PEERS = ("huey==3.5.4", "requests", "aiohttp==3.14.5", "uvloop==0.23.0", "hookspool==0.2.0")
NODE_PEERS = ("node-red@4.1.15",)
N8N = ("n8n@2.38.7", "node@24")
"""n8n wants a newer Node than Debian's, and two parts of it built by themselves."""


def prepare(folder: Path) -> None:
    """Install what is missing into the folder; what cannot be installed is left out of the table, with a word."""
    python = folder / "py" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "py", with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PYTHON_PEERS], check=True)
    if not shutil.which("npm"):
        return
    node = folder / "node"
    if not (node / "node_modules").exists():
        _npm("install", "--prefix", node, "--no-audit", "--no-fund", *NODE_PEERS)
    place = folder / "n8n"
    if not _newer_node(folder).exists():
        _npm("install", "--prefix", place, "--no-audit", "--no-fund", "--ignore-scripts", *N8N)
        _npm("run", "preinstall", cwd=place / "node_modules" / "node")
        _npm("rebuild", "sqlite3", "isolated-vm", cwd=place, first=_newer_node(folder).parent)


def _npm(*words: str | Path, cwd: Path | None = None, first: Path | None = None) -> None:
    path = os.environ["PATH"] if first is None else f"{first}{os.pathsep}{os.environ['PATH']}"
    if cwd is None or cwd.exists():
        subprocess.run(["npm", *words], check=False, cwd=cwd, env={**os.environ, "PATH": path}, stdout=sys.stderr)


def _newer_node(folder: Path) -> Path:
    return folder / "n8n" / "node_modules" / "node" / "bin" / "node"


@contextlib.contextmanager
def huey(folder: Path, sinks: Sinks, *, fsync: bool) -> Iterator[Server]:
    """An aiohttp handler that enqueues, and huey's consumer."""
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
def hookspool(folder: Path, sinks: Sinks) -> Iterator[Server]:
    """Its intake and its dispatcher; each call is a key of its own, so that four go out at a time, at once."""
    with tempfile.TemporaryDirectory() as place:
        port = free_port()
        (Path(place) / "config.toml").write_text(f"""
[intake]
listen = "127.0.0.1:{port}"
[alerts]
dry = true
[bobbins.callscaler]
bobbin = "hookspool.webhook"
span = "immediate"
settings = {{ scheme = "shared-secret-header", header = "X-Relay-Secret", key = ["call_id"], sender_retries = true }}
secrets.secret = {{ env = "BENCH_SECRET" }}
outputs = {{ "*" = "sink" }}
[destinations.sink]
type = "http"
url = "http://127.0.0.1:{sinks.ports[0]}/first"
secret = {{ env = "BENCH_SECRET" }}
allow_insecure = true
unwrap = true
""")
        command = [sys.executable, str(HERE / "hookspool_both.py"), str(folder / "py" / "bin" / "hookspool"), place]
        with serving(command, port, folder=Path(place), BENCH_SECRET=SECRET) as server:
            yield server


@contextlib.contextmanager
def node_red(folder: Path, sinks: Sinks) -> Iterator[Server]:
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
            _ready(server)
            yield server


@contextlib.contextmanager
def n8n(folder: Path, sinks: Sinks) -> Iterator[Server]:
    """A webhook node that answers 202 at once, and an HTTP request; successes are not kept, expressions the old way.

    Those are its quickest settings. Whatever it would ask of the outside meets a proxy that is not there.
    """
    with tempfile.TemporaryDirectory() as place:
        port = free_port()
        environment = {
            "PATH": f"{_newer_node(folder).parent}{os.pathsep}{os.environ['PATH']}",
            "N8N_USER_FOLDER": place,
            "N8N_PORT": str(port),
            "N8N_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_ENDPOINT_WEBHOOK": "hooks",
            "N8N_EXPRESSION_ENGINE": "legacy",
            "N8N_RUNNERS_ENABLED": "false",
            "N8N_DIAGNOSTICS_ENABLED": "false",
            "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
            "N8N_PERSONALIZATION_ENABLED": "false",
            "EXECUTIONS_DATA_SAVE_ON_SUCCESS": "none",
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }
        flow = Path(place) / "flow.json"
        flow.write_text(json.dumps([_flow(f"http://127.0.0.1:{sinks.ports[0]}/first")]))
        command = str(folder / "n8n" / "node_modules" / ".bin" / "n8n")
        if not Path(command).exists():
            raise OSError("it is not installed")
        for words in (["import:workflow", f"--input={flow}"], ["publish:workflow", "--id=relay0000000001"]):
            subprocess.run([command, *words], check=True, env={**os.environ, **environment}, capture_output=True)
        with serving([command, "start"], port, folder=Path(place), **environment) as server:
            _ready(server)
            yield server


def _flow(sink: str) -> dict[str, object]:
    hook = {"httpMethod": "POST", "path": "callscaler", "responseMode": "onReceived"}
    hook |= {"options": {"responseCode": {"values": {"responseCode": 202}}}}  # type: ignore[dict-item]
    send = {"method": "POST", "url": sink, "sendBody": True, "specifyBody": "json"}
    send |= {"jsonBody": "={{ JSON.stringify($json.body) }}", "options": {}}
    return {
        "id": "relay0000000001",
        "name": "relay",
        "active": True,
        "settings": {"executionOrder": "v1", "saveDataSuccessExecution": "none"},
        "nodes": [
            {"id": "a", "name": "Webhook", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "position": [0, 0],
             "webhookId": "relay", "parameters": hook},
            {"id": "b", "name": "Send", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "position": [9, 0],
             "parameters": send},
        ],
        "connections": {"Webhook": {"main": [[{"node": "Send", "type": "main", "index": 0}]]}},
    }  # fmt: skip


def _ready(server: Server) -> None:
    """Wait until webhooks are taken: these listen before they know their flows."""
    until = time.monotonic() + PATIENCE
    head = {"Content-Type": "application/json", "X-Relay-Secret": SECRET}
    while True:
        request = urllib.request.Request(server.url, b'{"event": "call.completed", "call_id": "0"}', head)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
                if answer.status == 202:
                    return
        except urllib.error.HTTPError as error:
            error.close()
        if time.monotonic() > until:
            raise OSError("it never took a webhook")
        time.sleep(0.1)
