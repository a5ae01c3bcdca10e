"""What is written into the ledger under RELAY_ENCRYPTION_KEY, so that its file, log and backups tell nothing.

Words (bodies, names, transcripts, texts, traces) are sealed by Fernet, differently each time. Telephone numbers, and
the few other values that rows are found by, are sealed by AES-SIV, which makes the same of the same: so every index and
every `where caller = ?` works as it does without a key. The key of the latter is drawn once for each ledger and stands
in it, sealed by the former.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.store.seal import Keys

SETTING = "RELAY_ENCRYPTION_KEY"

Way = Literal["words", "keyed", "number"]
"""How a column is sealed: words differently each time, keyed always alike, and of numbers only what is one."""


@dataclass(frozen=True)
class Columns:
    """The key of a table, in order, and which of its columns are sealed in which way."""

    key: tuple[str, ...]
    ways: Mapping[str, Way]


SEALED: Mapping[str, Columns] = {
    "events": Columns(
        ("seq",),
        {
            "call": "words",
            "raw": "words",
            "body": "words",
            "caller_raw": "words",
            "caller": "number",
            "number": "number",
        },
    ),
    "verdicts": Columns(("event",), {"verdicts": "words"}),
    "deliveries": Columns(
        ("seq",), {"action": "words", "reason": "words", "notes": "words", "receipt": "words", "lane": "keyed"}
    ),
    "attempts": Columns(("seq",), {"answer": "words"}),
    "calls": Columns(("source", "key"), {"caller": "number", "number": "number"}),
    "texts": Columns(("id",), {"recipient": "number", "prefix": "number", "sender": "number", "body": "words"}),
    "opt_outs": Columns(("person",), {"number": "number"}),
    "tags": Columns(("person", "tag"), {"person": "number"}),
    "once": Columns(("rule", "value"), {"value": "keyed"}),
    "numbers": Columns(("number",), {"number": "number", "name": "words"}),
    "requests": Columns(("seq",), {"reason": "words", "remote": "words", "headers": "words", "body": "words"}),
    "memories": Columns(("connector", "key"), {"key": "keyed", "value": "words"}),
    "traffic": Columns(("hour", "number", "outcome"), {"number": "number"}),
    "standings": Columns(("connector",), {"fault": "words", "paused_why": "words"}),
    "asked": Columns(("name",), {"answer": "words"}),
    "acts": Columns(("seq",), {"who": "words", "about": "words", "outcome": "words"}),
    "changes": Columns(
        ("id",), {"number": "number", "action": "words", "because": "words", "notes": "words", "reason": "words"}
    ),
    "alerts": Columns(("id",), {"what": "words", "remedy": "words"}),
}
"""Everything in the ledger that a person said, is called, or is reached by."""


def words(connection: Any, value: Any) -> Any:
    """Free text as this connection's ledger keeps it: sealed where it has a seal."""
    return value if connection.seal is None else connection.seal.words(value)


def keyed(connection: Any, value: Any) -> Any:
    """Text that rows are found by, as this connection's ledger keeps it."""
    return value if connection.seal is None else connection.seal.keyed(value)


def read_keys(environment: Mapping[str, str]) -> Keys | None:
    """The keys of RELAY_ENCRYPTION_KEY; None where it is not set.

    Raises:
        StoreUnusable: it is set to something else.
    """
    written = environment.get(SETTING, "").strip()
    if not written:
        return None
    from relay.store.seal import keys_of  # noqa: PLC0415 - only where something is sealed

    return keys_of(written)
