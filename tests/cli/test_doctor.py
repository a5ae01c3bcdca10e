"""`relay doctor`: what it prints, and that it exits 6 when something does not work."""

import http.server
import threading

import pytest


class Answers(http.server.BaseHTTPRequestHandler):
    def do_OPTIONS(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def sink_url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_service_and_ledger_it_tells_what_is_missing_and_what_to_do(run, sink_url):
    ran = run("doctor", "--through", "", SINK_URL=sink_url)
    assert "note  service         nobody answers at 127.0.0.1:1" in ran.out
    assert "→ `relay serve` starts it" in ran.out
    told = run("doctor", "--json", SINK_URL=sink_url).json
    states = {check["check"]: check["state"] for check in told["checks"]}
    assert states["connectors"] == "ok"
    assert states["ledger"] == "note"
    assert states["public address"] == "problem"  # relay.example is nobody's
    assert told["ok"] is False


def test_the_address_that_is_pasted_into_the_call_flow_is_one_to_go_through(run, sink_url):
    told = run("doctor", "--json", "--through", "http://127.0.0.1:1/hooks/callscaler", SINK_URL=sink_url).json
    [public] = [check for check in told["checks"] if check["check"] == "public address"]
    assert public["said"].startswith("http://127.0.0.1:1: cannot be reached")


def test_what_does_not_work_is_exit_6(run, sink_url):
    ran = run("doctor", SINK_URL="http://127.0.0.1:1")
    assert ran.code == 6
    assert "!!    connectors      archive:" in ran.out
    assert "problems" in ran.err


def test_a_ledger_that_cannot_be_read_is_a_problem(run, folder, sink_url):
    (folder / "relay.db").write_text("no database, but more than nothing" * 99)
    told = run("doctor", "--json", SINK_URL=sink_url).json
    [ledger] = [check for check in told["checks"] if check["check"] == "ledger"]
    assert (ledger["state"], "relay.db" in ledger["said"]) == ("problem", True)
