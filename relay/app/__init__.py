"""One relay, put together."""

from relay.app.app import App

__all__ = ["App"]
