"""What is said to whoever asks for what cannot be done with numbers now."""

from __future__ import annotations

from relay.errors import RelayError


class Refused(RelayError):
    """What was asked for is not done; the message says why, and what to do."""
