"""Starts `relay serve` again and again, each time as a fork of itself, so that a start costs no imports.

One life a line on stdin: a JSON object of what the environment shall say. On stdout: the process id, then `gone` and
the exit code (negative for a signal). With `--mutant NAME` the relay is broken on purpose before its first life.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
import traceback

from connectors import table
from relay import failpoints, planner, replies
from relay.app import App
from relay.cli import relay
from relay.cli import serve as _serve
from relay.store.sqlite import SqliteStore
from relay.texting import judging
from relay.worker import fate, worker
from tests.crash import mutants

LOADED = (table, App, SqliteStore, _serve)
"""What a life needs, imported once."""
_DIE_WITH_PARENT, _TRACER = 1, 0x59616D61


def quicken() -> None:
    """What waits five seconds or thirty in a day's work waits a second here, and a look-up ends in five, not sixty."""
    fate._AGAIN = 1.0
    fate._PATIENCE, fate.LEASE = 2.0, 5.0
    worker.POLL = planner.POLL = judging.HEAR_AGAIN = 1.0
    replies.EVERY = 1.0


def set_clock(seconds: float) -> None:
    """This machine's clock is so far ahead of the others', or behind."""
    right = time.time
    time.time = lambda: right() + seconds


def die_with_parent() -> None:
    """Leave no relay behind when whoever runs the test is killed itself; Linux only (prctl(2), PR_SET_PDEATHSIG)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def let_anybody_trace() -> None:
    """A tracer that is no parent may slow this process down; Linux only (prctl(2), PR_SET_PTRACER)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_TRACER, ctypes.c_ulong(-1))


def live(environment: dict[str, str], arguments: list[str]) -> None:
    """One life; never returns."""
    code = 1
    try:
        die_with_parent()
        let_anybody_trace()
        os.environ.update(environment)
        set_clock(float(environment.get("CLOCK_OFF", "0")))
        failpoints.arm(os.environ)
        relay(arguments, standalone_mode=False)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - the fork must not go on as the launcher
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(arguments: list[str]) -> None:
    """Read lives, live them."""
    die_with_parent()
    if arguments[0] == "--mutant":
        mutants.MUTANTS[arguments[1]].apply()
        arguments = arguments[2:]
    quicken()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(json.loads(line), arguments)
        os.write(1, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"gone {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1:])
