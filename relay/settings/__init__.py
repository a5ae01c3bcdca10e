"""relay.yaml, read and checked at once."""

from relay.settings.reading import read_settings, store_path
from relay.settings.settings import Configured, Scorecard, Settings

__all__ = ["Configured", "Scorecard", "Settings", "read_settings", "store_path"]
