import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from relay.cli import relay
from tests import forked
from tests.patience import PATIENCE

SECRET = "false-secret-0001-0001-0001"
RULES = """\
server: {listen: 127.0.0.1:1, admin: 127.0.0.1:2, public_url: "https://relay.example"}
network: {allow: [127.0.0.1/32], allow_http: true}
connectors:
  archive: {type: webhook, url: "${SINK_URL:-https://example.com}"}
rules:
  - name: Archive answered calls
    when: call.*
    if: {call.outcome: answered}
    then: [{send: archive}]
"""


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "relay.yaml").write_text(RULES)
    return tmp_path


@pytest.fixture
def run(folder, monkeypatch):
    """Runs a command in this process, with a configuration in a folder of its own."""
    for name in [name for name in os.environ if name.startswith(("RELAY_", "CALLSCALER_"))]:
        monkeypatch.delenv(name)
    for name in ("RELAY_LISTEN", "RELAY_ADMIN"):  # what `serve` sets for itself is gone after the test
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("RELAY_CONFIG", str(folder / "relay.yaml"))
    monkeypatch.setenv("RELAY_HOOK_SECRET", SECRET)

    def invoke(*arguments, **environment):
        done = CliRunner(env=environment).invoke(relay, [str(argument) for argument in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)

    return invoke


@pytest.fixture
def process(folder):
    """Runs a command in a process of its own."""

    def start(*arguments, **environment):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "RELAY_CONFIG": str(folder / "relay.yaml"),
            "RELAY_HOOK_SECRET": SECRET,
            **environment,
        }
        done = subprocess.run(
            [*forked.relay(), *map(str, arguments)],
            env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=folder,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    return start


@pytest.fixture
def python():
    """Runs a piece of Python in a process of its own."""

    def start(code, *arguments, **environment):
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environment}
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return start
