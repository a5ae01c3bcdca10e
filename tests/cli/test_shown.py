"""What is shown to people alone: colours, tables as wide as a window, and that something takes its time."""

import os
import pty
import re
import subprocess
import sys

import pytest

from relay.cli.tables import clock
from tests.patience import PATIENCE

BUSY = """\
import sys
from relay.cli.common import busy
with busy("reading calls") as say:
    say("1,000 calls read")
print("done")
"""


def on_terminal(code, **environment):
    """What a program writes where both of its outputs are a terminal."""
    main, beside = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", **environment}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=beside, stderr=beside, env=environment)
    os.close(beside)
    seen = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(main)
    assert process.wait(PATIENCE) == 0
    return seen.decode("utf-8", "replace")


def test_on_a_terminal_it_is_said_that_something_takes_its_time():
    seen = on_terminal(BUSY)
    assert "1,000 calls read" in seen
    assert "done" in seen


def test_in_a_pipe_only_the_data_is_written(python):
    done = python(BUSY)
    assert (done.out, done.err) == ("done\n", "")


LOG = """\
from relay.cli.common import start_logging
import structlog
start_logging()
structlog.get_logger("x").warning("something", id="evt_1")
"""


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_log_lines_are_coloured_for_people_who_want_it(environment, coloured):
    seen = on_terminal(LOG, **environment)
    assert "evt_1" in seen
    assert ("\x1b[" in seen) is coloured


TABLE = """\
from relay.cli.tables import print_table
names = ["delivery", "reason", "tries"]
print_table(names, [["dlv_" + "1" * 30, "it was refused " * 20, "1 2 3"]], spare=["tries"])
"""


@pytest.mark.parametrize(("columns", "titled", "whole"), [(36, False, True), (60, True, False), (400, True, True)])
def test_a_table_fits_the_window_and_breaks_no_id(columns, titled, whole):
    seen = on_terminal(TABLE, COLUMNS=str(columns), NO_COLOR="1")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    lines = [line.rstrip() for line in plain.splitlines()]
    assert "dlv_" + "1" * 30 in plain
    assert max(len(line) for line in lines if "dlv_" not in line) <= columns
    assert lines[0].startswith("delivery  dlv_") is not titled
    assert ("tries" in plain) is whole, "where there is no room, what can be spared goes"


def test_of_nothing_a_sentence_is_said_and_no_bare_header(python):
    done = python('from relay.cli.tables import print_table\nprint_table(["at"], [], empty="nobody opted out")')
    assert (done.out, done.err) == ("", "nobody opted out\n")


@pytest.mark.parametrize(("zone", "shown"), [("UTC", "16:00 UTC"), ("America/Chicago", "10:00 CST")])
def test_moments_are_told_on_the_business_s_clock_and_name_it(zone, shown):
    assert clock(1772553604.0, zone) == f"2026-03-03 {shown}"
