"""One relay, put together."""

from relay.app.app import App
from relay.app.modes import cannot_be_live, not_held, with_modes

__all__ = ["App", "cannot_be_live", "not_held", "with_modes"]
