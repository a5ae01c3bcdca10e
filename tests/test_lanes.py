"""The lanes of connectors: told only by those that may keep order, and told alike where they were carried to."""

import pickle

from connectors.table import CONNECTORS
from relay.http import Http
from relay.lanes import lanes
from relay.settings import read_settings

ORDER = """\
connectors:
  hook: {type: webhook, url: "https://example.com/"}
  disk: {type: archive, path: calls.jsonl}
  team: {type: slack, webhook_url: "${TEAM}"}
"""
TEAM = "https://hooks.slack.com/services/T0/B0/false"


def test_only_what_may_keep_order_is_asked_for_lanes(tmp_path):
    (tmp_path / "relay.yaml").write_text(ORDER)
    settings = read_settings(
        tmp_path / "relay.yaml", CONNECTORS, {"RELAY_HOOK_SECRET": "false-secret-0001", "TEAM": TEAM}
    )

    found = lanes(settings, Http(settings.network))

    assert set(found) == {"disk", "team"}
    told = str(settings.connectors["disk"].options.path)
    assert found["disk"]({}) == told
    assert pickle.loads(pickle.dumps(found["disk"]))({}) == told  # noqa: S301 - what was just made
