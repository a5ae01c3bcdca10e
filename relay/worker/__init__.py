"""Carries what is owed: takes each delivery when it falls due, hands it to its connector, writes down how it went."""

from relay.worker.channel import Channel
from relay.worker.move import Outcome, move
from relay.worker.worker import Worker

__all__ = ["Channel", "Outcome", "Worker", "move"]
