"""One relay, put together."""

from relay.app.app import App
from relay.app.modes import cannot_be_live, with_modes

__all__ = ["App", "cannot_be_live", "with_modes"]
