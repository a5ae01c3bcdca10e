"""Posts into Slack: through an incoming webhook, which belongs to one channel, or as a bot, into any channel it is in.

Rules of the service, each with its source:

- One message a second for each channel, short bursts allowed; 429 with Retry-After beyond
  (https://docs.slack.dev/apis/web-api/rate-limits). The connector keeps to that by itself.
- A bot's message can be changed later (https://docs.slack.dev/reference/methods/chat.update) and answered in a thread;
  a webhook's cannot. So `key`, `reply` and `channel` need a bot token.
- Slack knows no idempotency key: a message whose answer was lost is posted once more. A bot that may read the channel's
  history (scope channels:history) and was given the channel's ID looks first, by the metadata that it posts along
  (https://docs.slack.dev/messaging/message-metadata).
"""

from __future__ import annotations

from connectors.slack.connector import Slack, SlackOptions
from connectors.slack.markup import BLOCKS, MRKDWN, SHOWN, cut, escape_mrkdwn
from connectors.slack.message import Button, SlackAction, payload

__all__ = [
    "BLOCKS",
    "MRKDWN",
    "SHOWN",
    "Button",
    "Slack",
    "SlackAction",
    "SlackOptions",
    "cut",
    "escape_mrkdwn",
    "payload",
]
