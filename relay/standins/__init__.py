"""Pretend services for the demo and the tests: real servers on loopback that keep what they received."""

from __future__ import annotations

from relay.standins.crm import CrmStandIn
from relay.standins.google import GoogleStandIn
from relay.standins.server import Received, StandIn
from relay.standins.sink import SinkStandIn
from relay.standins.slack import SlackStandIn

__all__ = ["CrmStandIn", "GoogleStandIn", "Received", "SinkStandIn", "SlackStandIn", "StandIn"]
