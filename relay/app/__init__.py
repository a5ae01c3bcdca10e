"""One relay, put together."""

from relay.app.app import App
from relay.app.modes import cannot_be_live, not_held, with_modes
from relay.app.parts import decisions_of

__all__ = ["App", "cannot_be_live", "decisions_of", "not_held", "with_modes"]
