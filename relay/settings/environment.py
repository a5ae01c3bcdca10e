"""Settings by environment: names that nobody knows, tokens that are short, keys that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.errors import StoreUnusable
from relay.forms import unknown
from relay.proof.proof import SHORTEST
from relay.settings.names import SETTINGS
from relay.store.sealing import read_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.settings.yaml_file import Document


def consider_environment(document: Document, environment: Mapping[str, str]) -> None:
    """What is wrong or odd about the settings by environment."""
    for name, value in environment.items():
        known = name in SETTINGS or name in document.variables or name.startswith("RELAY_HOOK_SECRET")
        if value and name.startswith("RELAY_") and not known:
            document.warn((), unknown(name, SETTINGS, "setting (environment variable)"))
    for name in ("RELAY_ADMIN_TOKEN", "RELAY_VIEW_TOKEN"):
        if 0 < len(environment.get(name, "")) < SHORTEST:
            document.warn((), f"{name} has under {SHORTEST} characters; make one with `openssl rand -hex 32`")
    try:
        read_keys(environment)
    except StoreUnusable as error:
        document.complain((), str(error))
