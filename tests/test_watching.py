"""The page about watching, the dashboard for Grafana and the alert rules name only figures that there are."""

import json
import re
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

from relay.metrics import Metrics
from relay.models import State

DOCS = Path(__file__).parents[1] / "docs"
_NAME = re.compile(r"\brelay_[a-z_]+")


def figures():
    """Every name that /metrics tells, by Prometheus's own parser, with its labels."""
    metrics = Metrics()
    metrics.event("phone", "accepted")
    metrics.tried("desk", "delivered", 0.1)
    metrics.judged([("A", "ran")])
    metrics.connectors(["desk"])
    metrics.reloaded(good=True)
    metrics.queue({"due": 1}, State, 3.0)
    families = list(text_string_to_metric_families(metrics.text().decode()))
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def test_the_figures_of_the_contract_are_told_with_their_labels():
    told = figures()
    for name, labels in {
        "relay_events_total": {"source", "outcome"},
        "relay_deliveries_total": {"connector", "outcome"},
        "relay_delivery_seconds_bucket": {"le"},
        "relay_delivery_seconds_sum": set(),
        "relay_queue_depth": {"state"},
        "relay_queue_oldest_seconds": set(),
        "relay_verdicts_total": {"rule", "verdict"},
        "relay_breaker_state": {"connector"},
        "relay_config_reload_success": set(),
    }.items():
        assert told[name] == labels, name
    assert "relay_build_info" in told


def test_the_dashboard_for_grafana_asks_only_for_figures_that_there_are():
    board = json.loads((DOCS / "grafana" / "dashboard.json").read_text())
    asked = {name for panel in board["panels"] for target in panel["targets"] for name in _NAME.findall(target["expr"])}
    assert len(board["panels"]) >= 8
    assert asked - set(figures()) == set()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_every_alert_names_figures_that_there_are_and_says_what_to_do():
    rules = yaml.safe_load((DOCS / "grafana" / "alerts.yaml").read_text())["groups"][0]["rules"]
    for rule in rules:
        assert set(_NAME.findall(rule["expr"])) - set(figures()) == set(), rule["alert"]
        assert {"summary", "remedy"} == set(rule["annotations"])


def test_the_page_names_files_that_there_are():
    page = (DOCS / "watching.md").read_text()
    for name in re.findall(r"\]\(([^)]+)\)", page):
        assert (DOCS / name).is_file(), name
