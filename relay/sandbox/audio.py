"""Recordings that play: silence as MPEG-1 Layer III, built frame by frame."""

from __future__ import annotations

_SAMPLES_A_FRAME = 1_152
_RATE = 44_100
_FRAME_BYTES = 104  # 144 x 32,000 bit/s / 44,100 Hz, cut
# Sync and MPEG-1 Layer III without checksum; 32 kbit/s at 44.1 kHz, no padding; one channel.
# All-zero side information is silence.
_FRAME = bytes((0xFF, 0xFB, 0x10, 0xC0)).ljust(_FRAME_BYTES, b"\0")


def silence(seconds: float) -> bytes:
    """An MP3 of at least one frame that lasts that many seconds, about 4 kB each."""
    return _FRAME * max(1, round(seconds * _RATE / _SAMPLES_A_FRAME))
