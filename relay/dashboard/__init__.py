"""Pages for people: what came in, what was done about it, why not, and what needs somebody."""

from relay.dashboard.dashboard import Dashboard

__all__ = ["Dashboard"]
