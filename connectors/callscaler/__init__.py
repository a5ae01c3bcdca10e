"""Calls back into CallScaler: sends texts, moves numbers between groups, renames them and gives them call flows.

Facts of the service (shared document of the Resources API): a text names its sender by the number's id; a move is two
requests, one that adds to the new group and one that removes from the old; POST /texts knows no idempotency key, so
an answer that is not clear is settled by the list of texts, never by sending again.
"""

from __future__ import annotations

from connectors.callscaler.connector import CallScalerConnector, CallScalerOptions, PhoneStep

__all__ = ["CallScalerConnector", "CallScalerOptions", "PhoneStep"]
