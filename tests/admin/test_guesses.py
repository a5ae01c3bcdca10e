"""Who guesses tokens is silenced, and who is at the machine itself never is."""

import ipaddress

import pytest

from relay.access.guesses import Guesses
from tests.admin.conftest import TOKEN

PROXY = (ipaddress.ip_network("127.0.0.0/8"),)
WRONG = {"X-Forwarded-For": "198.51.100.7", "Authorization": "Bearer wrong"}
RIGHT = {**WRONG, "Authorization": f"Bearer {TOKEN}"}
SIGN_IN = {"X-Forwarded-For": "198.51.100.7"}


@pytest.fixture
async def proxied(desk):
    """A listener behind a proxy, on a clock that stands still unless moved; asks with headers, answers the status."""
    it = await desk(trusted=PROXY)
    it.now = [0.0]
    it.seen["admin"]._guard._ticks = lambda: it.now[0]

    async def status(headers):
        return (await it.ask("GET", "/api/events", headers=headers))[0].status

    it.status = status
    return it


async def test_five_wrong_tokens_silence_an_address_and_each_silence_is_longer(proxied):
    assert [await proxied.status(WRONG) for _ in range(6)] == [401] * 5 + [429]
    assert await proxied.status(RIGHT) == 429
    assert await proxied.status({**RIGHT, "X-Forwarded-For": "198.51.100.8"}) == 200
    proxied.now[0] = 60.5
    assert [await proxied.status(WRONG) for _ in range(6)] == [401] * 5 + [429]
    proxied.now[0] += 61
    answer, _ = await proxied.ask("GET", "/api/events", headers=WRONG)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "59")
    proxied.now[0] += 60
    assert await proxied.status(RIGHT) == 200


async def test_the_form_counts_as_well_and_is_not_looked_at_meanwhile(proxied):
    answers = [await proxied.ask("POST", "/signin", data={"token": "wrong"}, headers=SIGN_IN) for _ in range(6)]
    assert [answer.status for answer, _ in answers] == [401] * 5 + [429]
    answer, text = await proxied.ask("POST", "/signin", data={"token": TOKEN}, headers=SIGN_IN)
    assert (answer.status, "Set-Cookie" in answer.headers) == (429, False)
    assert "Try again in 60 seconds" in text


async def test_a_thousand_guesses_at_the_machine_itself_lock_nobody_out(desk):
    it = await desk()
    statuses = [(await it.ask("GET", "/api/events", f"guess-{nth}"))[0].status for nth in range(1000)]
    assert (statuses.count(401), statuses.count(429)) == (5, 995)
    assert (await it.ask("GET", "/api/events", TOKEN))[0].status == 200


async def test_who_sends_no_token_at_all_guesses_nothing(desk):
    it = await desk()
    assert {(await it.ask("GET", "/api/events"))[0].status for _ in range(20)} == {401}


def test_the_address_silent_for_longest_is_forgotten_first():
    guesses = Guesses()
    for nth in range(10_001):
        guesses.wrong(f"address-{nth}", 0.0)
    assert len(guesses._guessers) == 10_000
    assert "address-0" not in guesses._guessers


def test_four_wrong_tokens_a_minute_silence_nobody():
    guesses = Guesses()
    for minute in range(10):
        for _ in range(4):
            guesses.wrong("a", minute * 61.0)
            assert not guesses.silent_for("a", minute * 61.0)


def test_all_addresses_of_one_network_of_ipv6_guess_as_one():
    guesses = Guesses()
    for nth in range(5):
        guesses.wrong(f"2001:db8::{nth}", 0.0)
    assert guesses.silent_for("2001:db8::ffff", 1.0) > 0
    assert guesses.silent_for("2001:db8:0:1::1", 1.0) == 0
