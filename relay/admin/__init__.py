"""The admin listener: who may ask, and the ledger as JSON."""

from relay.admin.admin import Admin

__all__ = ["Admin"]
