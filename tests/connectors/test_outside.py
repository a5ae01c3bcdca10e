"""A connector from outside: found by its entry point, and written from the page alone it passes the contract."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2].joinpath("docs/own-connector.md").read_text(encoding="utf-8")
CODE, TEST = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(RELAY_YAML,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CONTRACT = (
    *("-m", "pytest", "-q", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin"),
    "test_ntfy_relay.py",
)
PACKAGE = "Metadata-Version: 2.1\nName: relay-ntfy\nVersion: 0.1.0\n"


@pytest.fixture
def installed(tmp_path):
    """A folder as pip leaves it, and a way to run Python with it."""
    dist = tmp_path / "relay_ntfy-0.1.0.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text(PACKAGE)
    (dist / "entry_points.txt").write_text("[relay.connectors]\nntfy = ntfy_relay:Ntfy\n")
    (tmp_path / "ntfy_relay.py").write_text(CODE)
    (tmp_path / "relay.yaml").write_text(RELAY_YAML)
    (tmp_path / "relay.yaml").chmod(0o600)

    def run(*arguments):
        root = str(Path(__file__).parents[2])
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{tmp_path}:{root}",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "NTFY_TOKEN": "false-token",
            "RELAY_HOOK_SECRET": "false-secret-for-tests",
        }
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_the_page_is_about_a_class_of_less_than_sixty_lines():
    assert len(CODE.splitlines()) < 60


def test_its_type_is_known_to_relay_yaml(installed):
    done = installed("-m", "relay", "check", "-c", "relay.yaml")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_its_own_options_are_checked_like_any_other(installed, tmp_path):
    (tmp_path / "relay.yaml").write_text(RELAY_YAML.replace("token:", "tokn:"))
    done = installed("-m", "relay", "check", "-c", "relay.yaml")
    assert done.returncode == 3
    assert "did you mean `token`?" in done.stdout


def test_one_that_cannot_be_loaded_is_told_where_it_is_used_and_nowhere_else(installed, tmp_path):
    (tmp_path / "ntfy_relay.py").write_text("import no_such_module")
    done = installed("-m", "relay", "check", "-c", "relay.yaml")
    assert done.returncode == 3
    assert "ntfy_relay:Ntfy cannot be loaded (ModuleNotFoundError" in done.stdout
    (tmp_path / "relay.yaml").write_text("business: {name: B}\n")
    assert installed("-m", "relay", "check", "-c", "relay.yaml").returncode == 0


def test_one_that_is_no_connector_is_told(installed, tmp_path):
    (tmp_path / "ntfy_relay.py").write_text("Ntfy = dict")
    done = installed("-m", "relay", "check", "-c", "relay.yaml")
    assert "ntfy_relay:Ntfy is no relay.connector.Connector" in done.stdout


def test_the_page_s_own_test_passes_the_whole_contract(installed, tmp_path):
    (tmp_path / "test_ntfy_relay.py").write_text(TEST)
    done = installed(*CONTRACT)
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


def test_and_fails_it_when_it_takes_any_answer_for_a_success(installed, tmp_path):
    (tmp_path / "ntfy_relay.py").write_text(CODE.replace("answer.raise_for_status()", "pass"))
    (tmp_path / "test_ntfy_relay.py").write_text(TEST)
    done = installed(*CONTRACT, "-k", "test_a_refusal_ends_the_delivery")
    assert done.returncode == 1
    assert "FAILED test_ntfy_relay.py::TestNtfy::test_a_refusal_ends_the_delivery" in done.stdout
