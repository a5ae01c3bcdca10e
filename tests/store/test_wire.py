"""Frames of bytes between a relay and its ledger's process, and what is carried in them once only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from relay.store import lasting
from relay.store.sqlite import wire


@lasting
@dataclass(frozen=True)
class Law:
    """What decisions hang on."""

    words: tuple[str, ...]


def test_a_lasting_value_is_told_again_once_many_others_were_and_where_a_frame_failed():
    sender, frames = wire.Sender(), wire.Frames()

    def size(value: Any) -> int:
        [(content, count)] = frames.take(sender.frame([value]))
        assert count == 1
        return len(content)

    law = Law(("yes", "maybe") * 1000)
    whole, named = size(law), size(law)
    assert whole > 4000
    assert named < 100
    for n in range(wire.KEPT):
        size(Law((str(n),)))
    assert size(law) == whole
    with pytest.raises(Exception, match="pickle"):
        sender.frame([law, lambda: None])
    assert size(law) == whole


def test_frames_are_put_together_from_whatever_pieces_come():
    sender, frames = wire.Sender(), wire.Frames()
    sent = sender.frame(["one"]) + sender.frame(["two", "three"]) + wire.END
    came = [frame for n in range(len(sent)) for frame in frames.take(sent[n : n + 1])]
    assert [count for _, count in came] == [1, 2, 0]
    assert frames.take(sent) == came
