"""The shell completes rules, connectors and samples, asked as the shells ask."""

import os
import subprocess

import pytest

from relay.settings.samples import SAMPLES
from tests import forked

FILE = """\
connectors:
  team: {type: slack, webhook_url: "${A_SECRET_THAT_IS_NOWHERE}"}
  tape: {type: archive, path: calls.jsonl}
rules:
  - {name: Text back missed callers, when: call.missed, then: [{send: team}]}
  - {name: "Log, every call", when: call.*, then: [{send: tape}]}
  - use: spam-guard@1
"""


@pytest.fixture
def offered(tmp_path):
    """What could stand in a place after these words, of which the beginning is written."""
    (tmp_path / "relay.yaml").write_text(FILE)

    def ask(*words, file="relay.yaml", shell="bash"):
        asked = {"_RELAY_COMPLETE": f"{shell}_complete", "RELAY_CONFIG": str(tmp_path / file)}
        places = {"COMP_WORDS": " ".join(("relay", *words)), "COMP_CWORD": str(len(words))}
        done = subprocess.run(
            forked.relay(),
            env={**os.environ, **asked, **places},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout

    return ask


def test_rules_are_offered_as_they_need_no_quotes(offered):
    assert offered("live", "''") == "plain,text-back-missed-callers\nplain,log-every-call\n"
    assert offered("shadow", "text") == "plain,text-back-missed-callers\n"
    assert offered("try", "lo") == offered("why", "last", "lo") == "plain,log-every-call\n"


def test_connectors_and_samples_are_offered(offered):
    assert offered("pause", "t") == "plain,team\nplain,tape\n"
    assert offered("resume", "call") == "plain,callscaler\n"
    wanted = "".join(f"plain,{name}\n" for name in SAMPLES if name.startswith("c"))
    assert offered("send", "c") == offered("try", "x", "--sample", "c") == wanted


def test_where_the_file_cannot_be_read_nothing_is_offered(offered, tmp_path):
    (tmp_path / "broken.yaml").write_text("rules: [")
    (tmp_path / "odd.yaml").write_text("rules: 1\nconnectors: [a]\n")
    for file in ("broken.yaml", "odd.yaml", "none.yaml"):
        assert (offered("live", "t", file=file) + offered("pause", "t", file=file)).strip() == ""
