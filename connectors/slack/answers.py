"""Slack's one-word answers, and what each means for the delivery.

They come bare from webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), and as
{"ok": false, "error": word} from methods (https://docs.slack.dev/reference/methods/chat.postMessage, "Errors").
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from relay.errors import Forbidden, Gone, Invalid, NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unclear
from relay.http import GRACE

if TYPE_CHECKING:
    from relay.http import Answer

_SUCCESS = range(200, 300)

_AGAIN = "make sure that the app is installed, and set its bot token, xoxb-…, again"
_MEANINGS: dict[str, tuple[type[Unavailable | Rejected], str]] = {
    "action_prohibited": (Forbidden, "the workspace does not let this webhook post here"),
    "channel_is_archived": (NotFound, "the channel is archived; make a webhook for another one"),
    "channel_not_found": (
        NotFound,
        "there is no such channel, or the bot cannot see it; name another or invite the bot",
    ),
    "fatal_error": (Unavailable, "Slack has trouble"),
    "internal_error": (Unavailable, "Slack has trouble"),
    "account_inactive": (Unauthorized, f"the bot was removed; {_AGAIN}"),
    "invalid_auth": (Unauthorized, "the webhook address or the token is not accepted; make a new one"),
    "is_archived": (NotFound, "the channel is archived; name another one"),
    "missing_scope": (Forbidden, "the bot lacks a scope: add chat:write on the app's page and install it again"),
    "msg_too_long": (Invalid, "the message is too long"),
    "not_authed": (Unauthorized, f"no token arrived; {_AGAIN}"),
    "not_in_channel": (Forbidden, "the bot is not in the channel: write /invite @its-name there"),
    "rate_limited": (RateLimited, "Slack asks for fewer messages"),
    "restricted_action": (Forbidden, "the workspace does not let this bot post here"),
    "token_expired": (Unauthorized, f"the token has expired; {_AGAIN}"),
    "token_revoked": (Unauthorized, f"the token was revoked; {_AGAIN}"),
    "invalid_blocks": (Invalid, "Slack does not accept these blocks; try them in its Block Kit Builder"),
    "invalid_payload": (Invalid, "Slack could not read the message"),
    "invalid_token": (Unauthorized, "the webhook was revoked; make a new one"),
    "no_active_hooks": (NotFound, "the webhook was switched off; make a new one"),
    "no_service": (NotFound, "the webhook was removed; make a new one"),
    "no_team": (NotFound, "the workspace is gone"),
    "no_text": (Invalid, "the message is empty"),
    "posting_to_general_channel_denied": (Forbidden, "only admins may post into this channel"),
    "ratelimited": (RateLimited, "Slack asks for fewer messages"),
    "request_timeout": (Unavailable, "Slack has trouble"),
    "rollup_error": (Unavailable, "Slack has trouble"),
    "service_unavailable": (Unavailable, "Slack has trouble"),
    "team_disabled": (Forbidden, "the workspace is switched off"),
    "user_not_found": (NotFound, "the person the webhook writes to is gone"),
}


def require_ok(answer: Answer) -> None:
    """Nothing where Slack said ok.

    Raises:
        Unavailable, Rejected: by the word it said instead.
        Unclear: when it said neither.
    """
    word = word_of(answer)
    if answer.status in _SUCCESS and word == "ok":
        return
    kind, meaning = _MEANINGS.get(word, (None, ""))
    reason = f"Slack answered {answer.status} {word}: {meaning}"
    if kind is not None and issubclass(kind, Unavailable):
        raise kind(reason, retry_after=answer.retry_after)
    if answer.status == 410:  # noqa: PLR2004 - gone for good, whatever the word
        raise Gone(reason if kind is not None else f"Slack answered 410 {word}")
    if kind is not None:
        raise kind(reason, grace=GRACE)
    answer.raise_for_status()
    if word:
        raise Rejected(f"Slack answered {answer.status} {word}", grace=GRACE)
    raise Unclear(f"answered {answer.status} with something that is not Slack's ok")


def word_of(answer: Answer) -> str:
    """Slack's one-word answer, bare or as {"ok": …, "error": …}; empty when it is neither."""
    text = answer.body.decode("utf-8", "replace").strip()
    try:
        said = json.loads(text)
    except ValueError:
        return text if re.fullmatch(r"[a-z][a-z0-9_]{1,60}", text) else ""
    if not isinstance(said, dict):
        return ""
    return "ok" if said.get("ok") is True else str(said.get("error", ""))[:60]
