"""How fast Slack is written to: a channel at its own pace, and as late as Slack says."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from connectors.slack import Slack, SlackAction, SlackOptions
from connectors.slack.connector import A_MINUTE
from relay.connector import Job
from relay.errors import RateLimited
from relay.standins import SlackStandIn
from relay.standins.slack import TOKEN


@pytest.fixture
async def service():
    it = SlackStandIn()
    await it.start()
    yield it
    await it.stop()


@pytest.mark.parametrize("way", ["webhook", "bot"])
async def test_when_slack_asks_to_wait_it_is_told_how_long(service, http, way):
    bot = {"token": TOKEN, "channel": "C000CALLS", "base_url": f"{service.url}/api"}
    slack = Slack(SlackOptions(**({"webhook_url": service.webhook_url} if way == "webhook" else bot)), http)
    service.fail_next(1, 429, {"Retry-After": "30"})
    with pytest.raises(RateLimited) as caught:
        await slack.send(Job("j1", SlackAction(message="x"), {}))
    assert caught.value.retry_after == 30.0
    await slack.send(Job("j1", SlackAction(message="x"), {}))
    assert len(service.messages) + len(service.posts) == 1


async def test_a_channel_that_had_its_messages_of_a_minute_waits_and_holds_up_no_other(service, http, monkeypatch):
    monkeypatch.setattr("connectors.slack.connector.A_MINUTE", 3)
    slack = Slack(SlackOptions(token=TOKEN, channel="C000CALLS", base_url=f"{service.url}/api"), http)
    full = [asyncio.ensure_future(slack.send(Job(f"c{n}", SlackAction(message="x"), {}))) for n in range(5)]
    await asyncio.gather(*full[:3])
    leads = [SlackAction(message="x", channel="C000LEADS")] * 3
    await asyncio.gather(*(slack.send(Job(f"l{n}", action, {})) for n, action in enumerate(leads)))
    assert Counter(post["channel"] for post in service.posts.values()) == {"C000CALLS": 3, "C000LEADS": 3}
    assert [one.done() for one in full] == [True] * 3 + [False] * 2
    for waiting in full[3:]:
        waiting.cancel()
    await asyncio.gather(*full, return_exceptions=True)
    assert A_MINUTE == 60, "one a second, as Slack allows"
