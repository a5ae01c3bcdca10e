"""`python -m relay` is the command."""

import subprocess
import sys

import relay


def test_the_module_is_the_command_under_its_own_name():
    done = subprocess.run([sys.executable, "-m", "relay", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"relay {relay.__version__}\n"


def test_a_word_that_is_no_command_is_a_mistake_in_usage():
    done = subprocess.run([sys.executable, "-m", "relay", "surve"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: relay ")
