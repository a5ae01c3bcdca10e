"""What the pretend phone system says no with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.errors import RelayError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refused(RelayError):
    """A request that is answered with an error; `status` is its HTTP status, `sentence` what the caller reads."""

    def __init__(self, status: int, sentence: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = dict(headers or {})


def absent(noun: str) -> Refused:
    """404 for a thing that this business does not have."""
    return Refused(404, f"{noun} not found")


def wrong(sentence: str) -> Refused:
    """400: the sentence names the field and what would be right."""
    return Refused(400, sentence)
