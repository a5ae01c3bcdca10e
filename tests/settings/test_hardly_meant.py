"""What a file may say and cannot mean is refused or warned of, before money or people hang on it."""

import pytest

RULE = """
connectors: {out: {type: webhook, url: "https://example.com"}}
rules:
  - name: one
    when: call.missed
    then: [{send: out}]
"""


@pytest.mark.parametrize("said", ["calls.example.com", "ftp://example.com", "https://", "https://example.com/?a=b"])
@pytest.mark.parametrize("place", ["server: {public_url: %s}", "server: {admin_url: %s}", "callscaler: {base_url: %s}"])
def test_an_address_of_a_site_is_one(mistakes, place, said):
    [told] = mistakes(place % said + "\n")
    assert f"`{said}` is no address of a site; write it like https://calls.example.com" in told


@pytest.mark.parametrize("said", ['""', "https://calls.example.com", "http://127.0.0.1:8080/below"])
def test_an_address_of_a_site_may_be_empty_plain_or_below_a_path(load, said):
    assert load(f"server: {{public_url: {said}}}\n").server.public_url == said.strip('"')


def test_a_ledger_of_no_size_is_refused_as_it_would_let_go_of_everything(mistakes):
    [told] = mistakes("retention: {size: 0GB}\n")
    assert "`0GB` is no size" in told


def test_a_list_of_calls_is_not_read_without_pause(mistakes):
    [told] = mistakes("callscaler: {backfill: {every: 0s}}\n")
    assert "greater than 0" in told


def test_a_number_that_is_never_moved_is_one(mistakes):
    [told] = mistakes('regroup: {never: ["+13125550142", Seasonal, 312-555-014]}\n')
    assert told == "1:45: `312-555-014` is no telephone number; write it as +13125550101"


def test_lists_and_groups_may_stand_among_what_is_never_moved(load, tmp_path):
    (tmp_path / "seasonal.txt").write_text("(312) 555-0142\n")
    settings = load("lists: {Seasonal: seasonal.txt}\nregroup: {never: [Seasonal, 312-555-0143, Parked]}\n")
    assert settings.regrouping.brakes.never == {"+13125550142", "+13125550143", "Parked"}


def test_a_line_of_a_list_that_fits_nobody_is_warned_of(load, tmp_path):
    (tmp_path / "welcome.txt").write_text("# ours\n312-555-0101\n312-555-010\nGoogle Ads\n60601\n")
    [warning] = load("lists: {welcome: welcome.txt}\n").warnings
    assert "line 3 of welcome.txt: `312-555-010` is no telephone number, and fits nobody" in str(warning)


def test_a_scenario_that_expects_nothing_is_refused_as_it_cannot_fail(mistakes):
    [told] = mistakes(RULE + "tests:\n  - {name: a, given: [{event: call.missed, at: 2026-03-02 10:00}], expect: {}}\n")
    assert "this expects nothing, so nothing can go wrong" in told


@pytest.mark.parametrize("name", ["a b", "a/b", "what?", "50%", "a#b"])
def test_the_name_of_a_source_fits_into_an_address(mistakes, load, name):
    door = f'sources: {{"{name}": {{type: callscaler, proof: {{header: X-A, secret: "${{RELAY_HOOK_SECRET}}"}}}}}}\n'
    [told] = mistakes(door)
    assert f"`{name}` is a part of an address, /hooks/{name}" in told
    assert list(load(door.replace(name, "call-scaler_2.x")).sources) == ["call-scaler_2.x"]


@pytest.mark.parametrize(
    ("said", "held"), [("lease: 4s", 8), ("lease: 9s", 9), ("rate: 1/s", 30), ("timeout: 20s", 40)]
)
def test_a_claim_leaves_time_to_ask_before_the_try_itself(load, said, held):
    manners = said if "timeout" in said else f"timeout: 3s, {said}"
    assert load(f"callscaler: {{{manners}}}\n").callscaler.lease_seconds == held
