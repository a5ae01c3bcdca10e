"""What cannot work is said in one line, with exit code 3, and nothing is made in another place."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import forked
from tests.patience import PATIENCE

FILE = 'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\nstore: sqlite:///data/relay.db\n'
TOO_FEW = (
    "only 64 files may be open at once, and each connection is one: allow 256 at least "
    "(ulimit -n, or LimitNOFILE= in the unit file)"
)


@pytest.fixture
def tmp_path():
    """A folder that nobody has trouble to find: pytest closes its own to others whenever a session begins."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def serve(tmp_path):
    """Tries to serve as somebody who is not root; answers the exit code and what was said."""
    (tmp_path / "relay.yaml").write_text(FILE)
    (tmp_path / "data").mkdir()

    def run(**environment):
        ran = subprocess.run(
            [*forked.module("tests.faults.starting"), str(tmp_path / "relay.yaml")],
            env={**os.environ, "RELAY_HOOK_SECRET": "false-secret-0001-0001", "AS_NOBODY": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        lines = [line for line in ran.stderr.splitlines() if not line.startswith("warning:")]
        assert "Traceback" not in ran.stderr
        return ran.returncode, lines

    return run


def broken(folder, how):
    data = folder / "data"
    if how == "a folder that is not there":
        data.rmdir()
    elif how == "a folder that may not be written":
        data.chmod(0o555)
    elif how == "a file of somebody else":
        data.chmod(0o777)
        (data / "relay.db").touch(0o600)
    else:
        data.chmod(0o777)
        (data / "relay.db").mkdir()


@pytest.mark.parametrize(
    "how",
    [
        "a folder that is not there",
        "a folder that may not be written",
        "a file of somebody else",
        "a folder where the file should be",
    ],
)
def test_a_ledger_that_cannot_be_opened_is_told_in_one_line(serve, tmp_path, how):
    if how == "a file of somebody else" and os.getuid() != 0:
        pytest.skip("only root can make a file of somebody else")
    broken(tmp_path, how)
    code, lines = serve()
    assert code == 3, lines
    [line] = lines
    assert str(tmp_path / "data" / "relay.db") in line
    assert "Check that its folder exists and can be written" in line
    assert not list(tmp_path.glob("*.db"))


def test_a_configuration_that_may_not_be_read_is_told_in_one_line(serve, tmp_path):
    """As in a container that runs as nobody, with a file that only its owner reads."""
    (tmp_path / "relay.yaml").chmod(0o000)
    code, lines = serve()
    assert code == 3
    [line] = lines
    assert "relay.yaml: the file cannot be read: Permission denied. The user whom the relay runs as" in line


def test_a_folder_where_the_configuration_should_be_is_told_in_one_line(serve, tmp_path):
    """As in a container to which a file is mounted that is not there."""
    (tmp_path / "relay.yaml").unlink()
    (tmp_path / "relay.yaml").mkdir()
    code, lines = serve()
    assert code == 3
    [line] = lines
    assert "relay.yaml: the file cannot be read: Is a directory. Name a file; a container" in line


@pytest.mark.parametrize("mode", [0o000, 0o600], ids=["of nobody", "of root"])
def test_secrets_that_may_not_be_read_are_told_in_one_line(serve, tmp_path, mode):
    if mode and os.getuid() != 0:
        pytest.skip("only root can make a file of somebody else")
    secrets = tmp_path / ".env"
    secrets.write_text("RELAY_HOOK_SECRET=false-secret-0002-0002\n")
    secrets.chmod(mode)
    code, lines = serve()
    assert code == 3
    [line] = lines
    assert line.startswith(f"{secrets} cannot be read (Permission denied): it belongs to whom the relay runs as")


def test_too_few_files_are_told_before_anything_is_opened(serve, tmp_path):
    code, lines = serve(FILES="64")
    assert code == 3
    assert lines == [TOO_FEW]
    assert not list((tmp_path / "data").iterdir())


def test_a_second_signal_ends_it_at_once(tmp_path):
    """The first waits for what is under way, here for ever."""
    (tmp_path / "relay.yaml").write_text(FILE)
    (tmp_path / "data").mkdir()
    with subprocess.Popen(
        [*forked.module("tests.faults.starting"), str(tmp_path / "relay.yaml")],
        env={**os.environ, "RELAY_HOOK_SECRET": "false-secret-0001-0001", "NEVER_ENDS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        while "admin on" not in served.stderr.readline():
            assert served.poll() is None
        served.send_signal(signal.SIGTERM)
        while "waits" not in served.stderr.readline():
            assert served.poll() is None
        served.send_signal(signal.SIGTERM)
        assert served.wait(PATIENCE) == 1


@pytest.mark.parametrize("compiled", [True, False])
def test_a_start_without_the_compiled_reader_of_http_says_so_once(tmp_path, compiled):
    """Both listeners are open by the time that is read."""
    (tmp_path / "relay.yaml").write_text(FILE)
    (tmp_path / "data").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(forked.ROOT), "RELAY_HOOK_SECRET": "false-secret-0001-0001"}
    with subprocess.Popen(
        [sys.executable, "-m", "relay", "-c", str(tmp_path / "relay.yaml"), "serve"],
        env=environment | ({} if compiled else {"AIOHTTP_NO_EXTENSIONS": "1"}),
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        said = []
        while not said or "admin on" not in said[-1]:
            assert served.poll() is None
            said.append(served.stderr.readline())
        served.send_signal(signal.SIGTERM)
        assert served.wait(PATIENCE) == 0
    assert [("slow parser" in line) for line in said].count(True) == (0 if compiled else 1), said
