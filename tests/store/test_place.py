"""Whether a ledger gets a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import structlog
from structlog.testing import capture_logs

from relay.store.place import Place, fork_writer
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
ONE_CORE = """
import os
from relay.store.sqlite.apart import can_be_apart

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(can_be_apart())
"""


def test_what_cannot_be_carried_gets_no_process_and_the_reason_is_told(tmp_path: Path):
    structlog.reset_defaults()  # a command that an earlier test called in this process may have made it quieter
    with capture_logs() as said:
        assert fork_writer(Place(tmp_path / "relay.db"), None, lambda: [lambda: None]) is None
    assert ["gets no process of its own" in one["event"] for one in said] == [True]
    assert fork_writer(Place(address="postgresql://127.0.0.1/relay"), None, list) is None


def test_on_one_core_nothing_is_gained():
    said = subprocess.run(
        [sys.executable, "-c", ONE_CORE], capture_output=True, text=True, check=True, cwd=ROOT, timeout=PATIENCE
    )
    assert said.stdout.split() == ["False"]
