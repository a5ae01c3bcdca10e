"""The figures: what is counted under which labels."""

from prometheus_client.parser import text_string_to_metric_families

import relay
from relay.metrics import Metrics
from relay.models import State


def told(metrics, name, *labels):
    """The values of one figure, by these labels of it."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def test_webhooks_and_verdicts_are_counted_by_their_labels():
    metrics = Metrics()
    for outcome in ("accepted", "accepted", "duplicate"):
        metrics.event("phone", outcome)
    metrics.judged([("A", "ran"), ("A", "ran"), ("B", "skipped")])
    metrics.judged([("A", "ran")])
    assert told(metrics, "relay_events_total", "source", "outcome") == {
        ("phone", "accepted"): 2,
        ("phone", "duplicate"): 1,
    }
    assert told(metrics, "relay_verdicts_total", "rule", "verdict") == {("A", "ran"): 3, ("B", "skipped"): 1}


def test_a_try_is_counted_with_the_seconds_it_took():
    metrics = Metrics()
    metrics.tried("desk", "delivered", 0.2)
    metrics.tried("desk", "dead", 7.0)
    assert told(metrics, "relay_deliveries_total", "connector", "outcome") == {
        ("desk", "delivered"): 1,
        ("desk", "dead"): 1,
    }
    assert told(metrics, "relay_delivery_seconds_count") == {(): 2}
    assert told(metrics, "relay_delivery_seconds_sum") == {(): 7.2}


def test_a_state_in_which_nothing_stands_any_more_reads_nought():
    metrics = Metrics()
    metrics.queue({"due": 4}, State, 9.0)
    metrics.queue({"dead": 1}, State, 0.0)
    depth = told(metrics, "relay_queue_depth", "state")
    assert (depth[("due",)], depth[("dead",)]) == (0, 1)
    assert set(depth) == {(str(state),) for state in State}
    assert told(metrics, "relay_queue_oldest_seconds") == {(): 0}


def test_every_connector_has_a_breaker_which_is_closed_at_first():
    metrics = Metrics()
    metrics.connectors(["desk", "crm"])
    metrics.breaker("crm", 0.5)
    assert told(metrics, "relay_breaker_state", "connector") == {("desk",): 0, ("crm",): 0.5}


def test_a_file_that_is_not_used_shows_until_one_is():
    metrics = Metrics()
    metrics.reloaded(good=False)
    assert told(metrics, "relay_config_reload_success") == {(): 0}
    metrics.reloaded(good=True)
    assert told(metrics, "relay_config_reload_success") == {(): 1}


def test_two_relays_in_one_process_count_apart():
    one, other = Metrics(), Metrics()
    one.stalled()
    assert told(one, "relay_loop_stalls_total") == {(): 1}
    assert told(other, "relay_loop_stalls_total") == {(): 0}
    assert told(other, "relay_build_info", "version") == {(relay.__version__,): 1}
