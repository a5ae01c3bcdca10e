"""What docs/other-senders.md shows: each source reads the body below it."""

import base64
import json
import re
from pathlib import Path

import pytest

from connectors.table import CONNECTORS
from relay.intake import Intake
from relay.metrics import Metrics
from relay.proof import proving_headers
from relay.settings import read_settings

PAGE = (Path(__file__).parents[2] / "docs" / "other-senders.md").read_text(encoding="utf-8")
PAIRS = re.findall(r"```yaml\n(.*?)```\s+```json\n(.*?)```", PAGE, re.DOTALL)
SECRET = base64.b64encode(b"an obviously false secret 012345").decode()


@pytest.mark.parametrize(("file", "body"), PAIRS, ids=["form", "booking"])
async def test_the_body_becomes_an_event_that_the_rule_awaits(file, body, ledger, clock, tmp_path):
    (tmp_path / "relay.yaml").write_text(file)
    environment = dict.fromkeys(("FORM_SECRET", "BOOKING_SECRET"), SECRET)
    settings = read_settings(
        tmp_path / "relay.yaml", CONNECTORS, environment | {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x"}
    )
    [source] = settings.sources.values()
    intake = Intake(ledger, clock, Metrics())
    headers = list(proving_headers(source.proof, body.encode(), clock()).items())
    first = await intake.webhook(source, headers, body.encode(), "192.0.2.1")
    again = await intake.webhook(source, headers, body.encode(), "192.0.2.1")
    assert (first.status, again.status, again.event) == (202, 200, first.event)
    event = await ledger.event("last")
    [rule] = settings.rules
    assert rule.awaits(event)
    assert (event.caller, event.call["caller_name"]) == ("+13125550101", "Dana Example")
    assert event.age_known
    assert event.raw == json.loads(body)


def test_every_example_of_the_page_is_tried():
    assert len(PAIRS) == 2
