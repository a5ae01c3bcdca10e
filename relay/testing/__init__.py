"""For those who write connectors: the suite that every shipped one passes, and pretend services to run it on."""

import pytest

pytest.register_assert_rewrite("relay.testing.contract")

from relay.standins import Received, SinkStandIn, StandIn  # noqa: E402 - asserts are explained only when told before
from relay.testing.contract import EVENT, LOOPBACK, ConnectorContract  # noqa: E402 - as above

__all__ = ["EVENT", "LOOPBACK", "ConnectorContract", "Received", "SinkStandIn", "StandIn"]
