"""What the pages about connectors show loads as it stands."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    "archive.md",
    "crm.md",
    "delivery.md",
    "email.md",
    "google-sheets.md",
    "make.md",
    "n8n.md",
    "notify.md",
    "numbers.md",
    "postgres.md",
    "rules.md",
    "slack.md",
    "texts.md",
    "webhook.md",
    "zapier.md",
)
FALSE = {
    **dict.fromkeys(("MAKE_HOOK_URL", "N8N_HOOK_URL", "ZAPIER_HOOK_URL"), "https://example.com/hook"),
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x",
    "SLACK_BOT_TOKEN": "xoxb-false",
    "CALLSCALER_API_KEY": "cs_key_false",
    "CRM_URL": "https://crm.example.com/calls",
    "BOSS_PHONE": "tgram://123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/12345",
}
BLOCKS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_block_loads(load, block, service_account, tmp_path):
    (tmp_path / "google.json").write_text(service_account, encoding="utf-8")
    environment = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block), "false-value") | FALSE
    assert load(block, environment).connectors
