"""A relay in this process, from the text of its file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from connectors.table import CONNECTORS
from relay.app import App
from relay.settings import read_settings
from tests.carried import CarriedStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path


@contextlib.asynccontextmanager
async def relaying(folder: Path, text: str, environment: Mapping[str, str]) -> AsyncIterator[App]:
    """It has started, with `relay.yaml` and its ledger in that folder; it is stopped afterwards."""
    path = folder / "relay.yaml"
    path.write_text(text)
    path.chmod(0o600)
    app = App(read_settings(path, CONNECTORS, environment), CarriedStore(folder / "relay.db"), CONNECTORS)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()
