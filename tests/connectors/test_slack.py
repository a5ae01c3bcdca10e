from __future__ import annotations

import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from slack_sdk.models.blocks import Block

from connectors.slack import BLOCKS, MRKDWN, SHOWN, Slack, SlackAction, SlackOptions, cut, escape_mrkdwn, payload
from relay.connector import Job
from relay.errors import Forbidden, Gone, Invalid, NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unclear
from relay.standins import SinkStandIn, SlackStandIn
from relay.standins.slack import SECRET, TOKEN
from relay.testing import ConnectorContract

# Written by callers, and how they must look in a channel: no mention, no link in disguise, no control characters.
HOSTILE = [
    ("<!channel>", "&lt;!channel&gt;"),
    ("<!here>", "&lt;!here&gt;"),
    ("<@U012AB3CD>", "&lt;@U012AB3CD&gt;"),
    ("<#C123|general>", "&lt;#C123|general&gt;"),
    ("<!subteam^S123>", "&lt;!subteam^S123&gt;"),
    ("<!date^0^{date}|x>", "&lt;!date^0^{date}|x&gt;"),
    ("<https://evil.example|Your bank>", "&lt;https://evil.example|Your bank&gt;"),
    ("&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;"),
    ("> quote", "&gt; quote"),
    ("a\x00b", "a b"),
    ("\r=1+1", "=1+1"),
    ("line1\r\nINFO fake log line", "line1 INFO fake log line"),
    ("\u202egnp.exe", "gnp.exe"),
    ("a\u200bb\u2066c", "abc"),
    ("e\u0301", "é"),
    ("a\ud800b", "ab"),
    ("  spaced  ", "spaced"),
    ("A" * 5000, "A" * 300),
    ("a" * 299 + "\U0001f44d\U0001f3fd", "a" * 299),
    ("a" * 299 + "\U0001f1fa\U0001f1f8", "a" * 299),
    ("", ""),
    ("{{ 7*7 }}", "{{ 7*7 }}"),
]


class TestSlack(ConnectorContract):
    connector_class = Slack
    repeats_safely = False
    secrets = (SECRET,)

    def stand_in(self):
        return SlackStandIn()

    def options(self, service):
        return {"webhook_url": service.webhook_url}

    def action(self, number):
        return {"message": f"call {number}"}

    def effects(self, service):
        return [message["text"] for message in service.messages]

    async def test_a_message_is_posted_without_mentions_by_name_and_without_previews(self, connector, service):
        await connector.send(self.job())
        assert service.messages == [
            {"text": "call 1", "link_names": False, "unfurl_links": False, "unfurl_media": False}
        ]

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (200, b'{"ok":false,"error":"invalid_auth"}', Unauthorized),
            (200, b'{"ok":false,"error":"ratelimited"}', RateLimited),
            (200, b'{"ok":false,"error":"fatal_error"}', Unavailable),
            (200, b'{"ok":false,"error":"a_word_of_tomorrow"}', Rejected),
            (200, b"invalid_token", Unauthorized),
            (200, b"", Unclear),
            (200, b"<html>ok</html>", Unclear),
            (200, b"[]", Unclear),
            (400, b"invalid_blocks", Invalid),
            (403, b"action_prohibited", Forbidden),
            (404, b"no_service", NotFound),
            (410, b"channel_is_archived", Gone),
            (429, b"ratelimited", RateLimited),
            (500, b"rollup_error", Unavailable),
            (502, b"<html>bad gateway</html>", Unavailable),
        ],
    )
    async def test_answers_are_told_apart(self, http, status, body, error):
        sink = SinkStandIn(status=status, answer=body)
        await sink.start()
        connector = Slack(SlackOptions(webhook_url=f"{sink.url}/services/x"), http)
        with pytest.raises(error) as caught:
            await connector.send(self.job())
        await sink.stop()
        assert type(caught.value) is error
        assert "/services/" not in str(caught.value)

    async def test_an_answer_of_ok_as_json_is_a_success(self, http):
        sink = SinkStandIn(answer={"ok": True})
        await sink.start()
        await Slack(SlackOptions(webhook_url=sink.url), http).send(self.job())
        await sink.stop()

    async def test_a_removed_webhook_is_found_by_the_check(self, http, service):
        for url in (service.webhook_url + "x", service.url + "/services/T1/B1/x"):
            with pytest.raises(Rejected):
                await Slack(SlackOptions(webhook_url=url), http).check()
        service.archived = True
        with pytest.raises(NotFound, match="archived"):
            await Slack(SlackOptions(webhook_url=service.webhook_url), http).check()

    async def test_buttons_are_links_and_those_that_lead_nowhere_are_left_out(self, connector, service):
        action = SlackAction.model_validate(
            {
                "message": "Missed *call*",
                "buttons": [
                    {"label": "Listen " + "x" * 100, "url": "https://example.com/r?a=1&b=2"},
                    {"label": "None", "url": ""},
                    {"label": "Evil", "url": "javascript:alert(1)"},
                ],
            }
        )
        await connector.send(self.job())
        service.messages.clear()
        job = self.job()
        await connector.send(type(job)(job.key, action, job.event))
        section, row = service.messages[0]["blocks"]
        assert section == {"type": "section", "text": {"type": "mrkdwn", "text": "Missed *call*"}}
        (button,) = row["elements"]
        assert button["url"] == "https://example.com/r?a=1&b=2"
        assert len(button["text"]["text"]) == 75

    async def test_blocks_are_cut_to_what_slack_takes_at_each_place(self, connector, service):
        text = {"type": "mrkdwn", "text": "s" * 5000}
        blocks = [
            {"type": "header", "text": {"type": "plain_text", "text": "h" * 400}},
            {"type": "section", "text": text, "fields": [{"type": "mrkdwn", "text": "f" * 4000}]},
            {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "b" * 99}}]},
        ]
        job = self.job()
        await connector.send(type(job)(job.key, SlackAction(blocks=blocks), job.event))
        head, section, row = service.messages[0]["blocks"]
        assert len(head["text"]["text"]) == 150
        assert len(section["text"]["text"]) == 3000
        assert len(section["fields"][0]["text"]) == 2000
        assert len(row["elements"][0]["text"]["text"]) == 75


class TestTheBot(ConnectorContract):
    connector_class = Slack
    secrets = (TOKEN,)

    def stand_in(self):
        return SlackStandIn()

    def options(self, service):
        return {"token": TOKEN, "channel": "C000CALLS", "base_url": f"{service.url}/api"}

    def action(self, number):
        return {"message": f"call {number}"}

    def effects(self, service):
        return [post["text"] for post in service.posts.values()]

    async def say(self, connector, message, known=None, tries=0, **action):
        job = self.job(tries=tries)
        said = SlackAction(message=message, **action)
        return await connector.send(type(job)(message, said, job.event, tries=tries, known=known or {}))

    async def test_one_call_is_one_message_that_grows(self, connector, service):
        first = await self.say(connector, "missed", key="c1")
        later = await self.say(connector, "missed, scored 80", first.remember, key="c1")
        assert [post["text"] for post in service.posts.values()] == ["missed, scored 80"]
        assert (first.created, later.created, later.remember) == (True, False, None)
        assert (first.id, later.id) == (first.remember["ts"],) * 2

    async def test_a_reply_stands_in_the_thread_of_its_message(self, connector, service):
        first = await self.say(connector, "missed", key="c1")
        reply = await self.say(connector, "texted back", first.remember, key="c1", reply=True)
        assert [post.get("thread_ts") for post in service.posts.values()] == [None, first.id]
        assert reply.remember is None
        again = await self.say(connector, "texted back", first.remember, tries=1, key="c1", reply=True)
        assert (again.id, len(service.posts)) == (reply.id, 2)

    async def test_a_message_that_can_no_longer_be_changed_is_posted_anew(self, connector, service):
        first = await self.say(connector, "missed", key="c1")
        service.posts.clear()
        later = await self.say(connector, "scored", first.remember, key="c1")
        assert (later.created, later.remember["ts"]) == (True, later.id)

    async def test_a_channel_is_named_by_the_step_and_remembered_by_its_id(self, connector, service):
        first = await self.say(connector, "lead", key="c1", channel="#leads")
        assert first.remember["channel"] == "C000LEADS"
        assert next(iter(service.posts.values()))["channel"] == "C000LEADS"
        with pytest.raises(NotFound, match="invite the bot"):
            await self.say(connector, "lead", channel="#nowhere")

    async def test_a_bot_that_may_not_read_the_channel_posts_once_more_rather_than_never(self, connector, service):
        service.scopes = "chat:write"
        await self.say(connector, "missed", tries=1)
        assert len(service.posts) == 1

    async def test_a_message_whose_answer_was_lost_is_found_however_much_was_said_since(
        self, connector, service, monkeypatch
    ):
        monkeypatch.setattr("connectors.slack.connector.PAGE", 2)
        for number in range(5):
            await connector.send(self.job(number))
        again = await connector.send(self.job(0, tries=1))
        assert (again.created, len(service.posts)) == (False, 5)
        monkeypatch.setattr("connectors.slack.connector.PAGES", 2)
        await connector.send(self.job(0, tries=1))
        assert len(service.posts) == 6

    async def test_only_what_grows_is_kept_in_order(self, connector):
        grows, stands = SlackAction(message="x", key="c1"), SlackAction(message="x")
        assert connector.lane(grows) == connector.key(grows) == "C000CALLS c1"
        assert (connector.lane(stands), connector.key(stands)) == (None, None)

    async def test_the_check_names_a_missing_scope(self, connector, service):
        service.scopes = "channels:history"
        with pytest.raises(Forbidden, match="chat:write"):
            await connector.check()

    @pytest.mark.parametrize(
        ("word", "error", "hint"),
        [
            ("not_in_channel", Forbidden, "/invite"),
            ("is_archived", NotFound, "archived"),
            ("token_revoked", Unauthorized, "installed"),
            ("account_inactive", Unauthorized, "removed"),
            ("missing_scope", Forbidden, "chat:write"),
            ("msg_too_long", Invalid, "too long"),
            ("restricted_action", Forbidden, "workspace"),
            ("ratelimited", RateLimited, "fewer"),
            ("internal_error", Unavailable, "trouble"),
            ("not_authed", Unauthorized, "token"),
        ],
    )
    async def test_each_common_refusal_is_told_with_what_to_do(self, http, word, error, hint):
        sink = SinkStandIn(answer={"ok": False, "error": word})
        await sink.start()
        bot = Slack(SlackOptions(token=TOKEN, channel="#calls", base_url=sink.url), http)
        with pytest.raises(error, match=hint):
            await bot.send(self.job())
        await sink.stop()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"webhook_url": "https://hooks.slack.com/services/x", "token": TOKEN},
        {"webhook_url": "https://hooks.slack.com/services/x", "channel": "#calls"},
        {"token": "xoxp-not-a-bot"},
    ],
)
def test_a_webhook_or_a_bot_and_nothing_in_between(options):
    with pytest.raises(ValidationError):
        SlackOptions(**options)


@pytest.mark.parametrize("action", [{"key": "c1"}, {"channel": "#leads"}])
async def test_what_only_a_bot_can_do_is_refused_for_a_webhook(action):
    hook = Slack(SlackOptions(webhook_url="https://hooks.slack.com/services/x"), None)
    said = SlackAction(message="x", **action)
    assert (hook.lane(said), hook.key(said)) == (None, None)
    with pytest.raises(Rejected, match="bot's token"):
        await hook.send(Job("j", said, {}))


def test_what_is_posted_is_what_the_services_own_library_takes():
    action = SlackAction(
        message="m" * 9000,
        blocks=[
            {"type": "header", "text": {"type": "plain_text", "text": "h" * 400}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "s" * 5000}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "c"}]},
            {"type": "divider"},
        ],
        buttons=[{"label": "Listen " + "x" * 99, "url": "https://example.com/r"}],
    )
    blocks = payload(action)["blocks"]
    parsed = Block.parse_all(blocks)
    assert [block["type"] for block in blocks] == ["header", "section", "context", "divider", "actions"]
    assert [block.to_dict()["type"] for block in parsed] == [block["type"] for block in blocks]


@pytest.mark.parametrize(("written", "shown"), HOSTILE)
def test_what_a_caller_wrote_is_inert_in_mrkdwn(written, shown):
    assert escape_mrkdwn(written) == shown


@pytest.mark.parametrize(("written", "shown"), HOSTILE)
def test_plain_text_is_cleaned_and_not_escaped_because_slack_shows_it_as_it_is(written, shown):
    assert SHOWN.escape(written) == html.unescape(shown)


def test_within_blocks_the_type_next_to_a_text_decides():
    assert BLOCKS.choose is not None
    assert BLOCKS.choose({"type": "mrkdwn", "text": "x"}) is MRKDWN
    assert BLOCKS.choose({"type": "plain_text", "text": "x"}) is SHOWN
    assert BLOCKS.choose({"type": "button", "url": "x"}) is SHOWN
    assert BLOCKS.choose({"text": "x"}) is MRKDWN


@given(st.text(st.characters(codec="utf-8"), max_size=400))
def test_no_value_makes_a_mention_or_markup(value):
    escaped = escape_mrkdwn(value)
    assert not set(escaped) & {"<", ">"}
    assert "&" not in escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not [letter for letter in escaped if unicodedata.category(letter) in {"Cc", "Cf", "Cs"}]


@pytest.mark.parametrize(
    ("text", "most", "left"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("ae\u0301", 2, "a"),
        ("a👩\u200d👧b", 3, "a"),
        ("a👍🏽", 2, "a"),
        ("a🇺🇸🇨🇦", 2, "a"),
        ("a🇺🇸🇨🇦", 3, "a🇺🇸"),
        ("a🇺🇸🇨🇦", 4, "a🇺🇸"),
        ("a❤\ufe0f", 2, "a"),
        ("b\u1100\u1161\u11a8x", 3, "b"),
        ("a&amp;b", 3, "a"),
        ("a&amp;b", 6, "a&amp;"),
        ("a<https://example.com|x>", 10, "a"),
    ],
)
def test_text_is_cut_between_whole_characters(text, most, left):
    assert cut(text, most) == left


@given(st.text(max_size=80), st.integers(min_value=1, max_value=60))
def test_cutting_never_makes_text_longer_than_asked(text, most):
    assert len(cut(text, most)) <= most
    assert text.startswith(cut(text, most))


def test_a_very_long_message_is_cut_and_still_said():
    assert len(payload(SlackAction(message="m" * 9000))["text"]) == 3000


def test_a_message_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="message or blocks"):
        SlackAction()
    with pytest.raises(ValidationError):
        SlackAction(blocks=[{"type": "divider"}] * 51)


def test_the_address_must_be_one_and_is_never_shown():
    with pytest.raises(ValidationError) as caught:
        SlackOptions(webhook_url="not-a-real-secret-address")
    assert "not-a-real-secret-address" not in str(caught.value)


def test_it_rings_a_bell():
    assert Slack.alerts_people
