"""relay.yaml, read and checked at once."""

from relay.settings.ledger_place import find_ledger, read_place, store_place
from relay.settings.reading import read_settings
from relay.settings.settings import Configured, Settings

__all__ = ["Configured", "Settings", "find_ledger", "read_place", "read_settings", "store_place"]
