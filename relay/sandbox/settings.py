"""How the pretend phone system behaves where the real one is silent, or where a test wants another mood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Knobs of the stand-in; the defaults are the assumptions listed in the package's docstring.

    Times are seconds of real time, money is cents, `chaos` is a percentage of requests.
    """

    errors: Literal["live", "documented"] = "live"
    """live: {"error": "unauthorized"}; documented: {"error": {"code": "401", "message": "Invalid API key"}}."""
    number_lookup: bool = True
    """False: GET /numbers/:id does not exist, as a newer page of the vendor says."""
    nested_pagination: bool = False
    """True: has_more and next_cursor of GET /calls sit inside data.pagination."""
    texts_paging: bool = True
    """False: GET /texts takes no notice of limit and offset."""
    ai_fallback: float = 2.0
    """How long a wait-for-AI webhook waits before it fires with whatever exists; five minutes at the real one."""
    webhook_timeout: float = 10.0
    """How long a receiver may take to answer one attempt."""
    rate: float | None = None
    """Requests a second before 429; None sets no limit."""
    burst: int = 10
    """Requests that may come at once before `rate` counts."""
    chaos: float = 0.0
    slow: float = 0.3
    """How much longer a slow or a late answer takes."""
    hang: float = 60.0
    """How long a request that is never answered is kept open."""
    list_lag: float = 0.0
    """How old a message must be before the lists show it."""
    several_groups: bool = False
    """True: a number may be in several groups; adding it to one leaves it in the others, `group_id` is the last."""
    group_lag: float = 0.0
    """How long the members of a group are shown as they were before a change."""
    balance_cents: int = 5_000
    text_cents: int = 2
    """Price of one segment of an outbound text."""
    number_cents: int = 300
    """Price of a purchased number."""
    past_calls: int = 24
    """Calls of the last days in the sample data."""
