"""Where a job's recording comes from: the phone system, whoever delivers it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from relay.connector import no_recording
from relay.models import CALLSCALER
from relay.texting import PhoneConnector

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.models import Event
    from relay.worker.channel import Channel


def recording_of(channels: Mapping[str, Channel], event: Event) -> Callable[[], Awaitable[bytes]]:
    """Fetches the recording of an event's call when it is asked to."""
    channel = channels.get(CALLSCALER)
    if channel is None or not isinstance(channel.connector, PhoneConnector):
        return no_recording
    return partial(channel.connector.recording, event.key)
