"""A place strikes only in a test, once, and never by a misspelt name."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from relay import failpoints
from tests.patience import PATIENCE

REACH = "from relay import failpoints as f\nfor n in range(3): f.reach('text_begun'); print(n, flush=True)"


def reached(**environment):
    return subprocess.run(
        [sys.executable, "-c", REACH],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_a_place_ends_the_process_at_the_time_that_was_named():
    ended = reached(RELAY_UNDER_TEST="1", RELAY_FAILPOINT="text_begun:kill@2")
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "0\n")


@pytest.mark.parametrize(
    "environment",
    [
        {"RELAY_FAILPOINT": "text_begun:kill"},
        {"RELAY_FAILPOINT": "text_begun:kill", "RELAY_UNDER_TEST": "0"},
        {"RELAY_UNDER_TEST": "1"},
        {"RELAY_UNDER_TEST": "1", "RELAY_FAILPOINT": "text_settled:kill"},
    ],
)
def test_nothing_strikes_that_was_not_asked_to(environment):
    assert reached(**environment).stdout == "0\n1\n2\n"


@pytest.mark.parametrize("written", ["text_begun", "text_begin:kill", "text_begun:explode", "text_begun:kill@0", "x"])
def test_a_misspelt_place_is_refused(written):
    with pytest.raises(ValueError, match="is none of webhook_read"):
        failpoints.arm({"RELAY_UNDER_TEST": "1", "RELAY_FAILPOINT": written})
    failpoints.arm({})


def test_each_place_is_reached_by_the_code():
    code = "".join(module.read_text() for module in Path(failpoints.__file__).parent.rglob("*.py"))
    for name in (*failpoints.WEBHOOK, *failpoints.TEXT):
        assert f'failpoints.reach("{name}")' in code
