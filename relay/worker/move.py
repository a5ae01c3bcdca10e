"""What becomes of a delivery after a try. Pure: the worker acts on it, the ledger writes it down."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from relay.connector import Receipt
from relay.errors import Blocked, DeliveryFailed, Rejected, RelayError, Unavailable, Unclear
from relay.models import Delivery, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.backoff import Schedule

BLOCKED_AGAIN = 60.0
"""Seconds after which a text that the phone system did not let go is judged again."""
POISON = 3
"""Tries of a delivery whose connector fails in a way it should not."""
ANSWER_CAP = 4096
"""Characters of an answer that are kept."""
_URL = re.compile(r"(https?://)(?:[^/@\s]*@)?([^/\s'\"?#]+)[^\s'\"]*")

Outcome = Receipt | DeliveryFailed | Exception


def move(
    delivery: Delivery, outcome: Outcome, retry: Schedule, *, now: float, dice: Callable[[], float], settle: float
) -> Delivery:
    """The delivery as it stands after a try; `settle` is how many seconds a text of unknown fate is left alone."""
    tries = delivery.tries + 1
    if isinstance(outcome, Receipt):
        return delivery.moved(State.DELIVERED, tries=tries, receipt=_kept(outcome), reason=None, settled_at=now)
    tried = delivery.but(tries=tries)
    reason, ours = told(outcome), isinstance(outcome, DeliveryFailed)
    if delivery.kind == "text" and (isinstance(outcome, Unclear) or not ours):
        # Whatever broke in an unforeseen way may have broken after the text had left.
        return tried.moved(State.UNKNOWN, reason=reason, due_at=now + settle)
    if delivery.kind == "text" and isinstance(outcome, Blocked):
        # Judged again with every guard; `at_most` bounds it, so that nothing bursts out once the block is over.
        return tried.moved(State.HELD, reason=reason, due_at=now + BLOCKED_AGAIN)
    if isinstance(outcome, Rejected) and tried.tries >= outcome.grace:
        return tried.moved(State.DEAD, reason=reason, settled_at=now)
    if not ours and tried.tries >= POISON:
        return tried.moved(State.DEAD, reason=reason, settled_at=now)
    began = delivery.first_due_at if delivery.first_due_at is not None else delivery.born_at
    retry_after = outcome.retry_after if isinstance(outcome, Unavailable) else None
    wait = retry.next(tried.tries, max(0.0, now - began), dice, retry_after)
    if wait is None:
        said = "1 try" if tried.tries == 1 else f"{tried.tries} tries"
        return tried.moved(State.DEAD, reason=f"{reason}; given up after {said}", settled_at=now)
    return tried.moved(State.DUE, reason=reason, due_at=now + wait)


def told(outcome: Outcome) -> str:
    """An outcome in words that may be kept and shown: no address with its path, which can be a secret."""
    if isinstance(outcome, Receipt):
        return str(outcome.status or "ok")
    if isinstance(outcome, RelayError):
        words = str(outcome) or type(outcome).__name__
    else:
        words = _URL.sub(r"\1\2/…", f"{type(outcome).__name__}: {outcome}")
    return words.encode("utf-8", "replace").decode()[:ANSWER_CAP]


def plain(value: Any) -> Any:
    """The same as JSON that the ledger can hold: a service may well answer with halves of surrogate pairs."""
    if value in ({}, None):
        return value
    with contextlib.suppress(ValueError):
        return from_json(to_json(value))
    return json.loads(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))


def _kept(receipt: Receipt) -> dict[str, Any]:
    body = receipt.body if len(str(receipt.body)) <= ANSWER_CAP else None
    told = {"id": receipt.id, "url": receipt.url, "created": receipt.created, "status": receipt.status, "body": body}
    kept: dict[str, Any] = plain(told)
    return kept
