"""The key of the ledger on the command line."""

FIRST = "ZmFsc2Uga2V5IHRoYXQgc2VhbHMgb25seSB0ZXN0cyE="
SECOND = "YW5vdGhlciBmYWxzZSBrZXksIGZvciB0ZXN0cyBvbmw="


def test_a_key_is_rotated_and_the_older_one_then_opens_nothing(run):
    added = run("optout", "add", "+13125550101", RELAY_ENCRYPTION_KEY=FIRST)
    assert added.code == 0, added.err
    done = run("secrets", "rotate", "--json", RELAY_ENCRYPTION_KEY=f"{SECOND},{FIRST}")
    assert (done.code, list(done.json)) == (0, ["resealed"]), done.err
    assert run("optout", "list", RELAY_ENCRYPTION_KEY=FIRST).code == 3
    assert "+13125550101" in run("optout", "list", RELAY_ENCRYPTION_KEY=SECOND).out


def test_without_its_key_a_sealed_ledger_is_not_read_and_says_what_to_do(run):
    run("optout", "add", "+13125550101", RELAY_ENCRYPTION_KEY=FIRST)
    for command in (("events",), ("optout", "add", "+13125550102"), ("secrets", "rotate")):
        told = run(*command)
        assert told.code == 3
        assert "set RELAY_ENCRYPTION_KEY" in told.err


def test_a_plain_ledger_has_nothing_to_rotate(run):
    run("optout", "add", "+13125550101")
    told = run("secrets", "rotate")
    assert told.code == 2
    assert "is not sealed" in told.err


def test_a_key_that_is_none_is_refused_and_not_told(run):
    told = run("events", RELAY_ENCRYPTION_KEY="false-short-key")
    assert told.code == 3
    assert "openssl rand -base64 32" in told.err
    assert "false-short-key" not in told.err
