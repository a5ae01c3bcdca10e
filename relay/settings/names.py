"""The names of the contract: sections of relay.yaml, settings by environment, and what stands where nothing is said."""

from __future__ import annotations

SECTIONS = (
    "business",
    "server",
    "store",
    "network",
    "retention",
    "callscaler",
    "sources",
    "connectors",
    "texting",
    "regroup",
    "groups",
    "alerts",
    "lists",
    "spam",
    "rules",
    "tests",
)
DEFAULT_SOURCES = {
    "callscaler": {
        "type": "callscaler",
        "proof": {
            "header": "X-Relay-Secret",
            "secret": "${RELAY_HOOK_SECRET}",
            "previous": "${RELAY_HOOK_SECRET_OLD:-}",
        },
    }
}
SETTINGS = {
    "RELAY_CONFIG",
    "RELAY_STORE",
    "RELAY_LISTEN",
    "RELAY_ADMIN",
    "RELAY_ADMIN_TOKEN",
    "RELAY_VIEW_TOKEN",
    "RELAY_ENCRYPTION_KEY",
    "RELAY_LOG",
}
"""Settings by environment; any other RELAY_… name is warned about."""
