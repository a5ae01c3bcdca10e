"""Tells people of trouble before they find it: looks, remembers, tells, reminds, and says when it is over."""

from relay.alerts.alerts import Alerts
from relay.alerts.silence import Quiet, listen
from relay.alerts.troubles import Sight, Trouble, troubles

__all__ = ["Alerts", "Quiet", "Sight", "Trouble", "listen", "troubles"]
