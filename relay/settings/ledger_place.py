"""Where the ledger stands: from the file, the environment, or a command's own option."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relay.settings.yaml_file import Document, expand, read_document
from relay.store.place import SCHEMES, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.settings.settings import Settings

DEFAULT_STORE = "sqlite:///relay.db"
_SQLITE = "sqlite:///"


def store_url(written: Any, environment: Mapping[str, str]) -> str | None:
    """The store that the file names, or the environment in its place; None where that cannot be a store.

    A path typed in a shell counts from where it was typed, one in the file from the file.
    """
    typed = environment.get("RELAY_STORE")
    url = typed or (DEFAULT_STORE if written is None else written)
    if isinstance(url, str) and url.startswith(SCHEMES):
        return url
    if not isinstance(url, str) or not url.startswith(_SQLITE) or url == _SQLITE:
        return None
    return f"{_SQLITE}{Path.cwd() / url.removeprefix(_SQLITE)}" if typed else url


def store_place(settings: Settings, override: str | None = None) -> Place:
    """Where the store is; relative paths count from the configuration file, of an override from here.

    Raises:
        ValueError: it is neither a sqlite:/// nor a postgresql:// address.
    """
    return read_place(override or settings.store, None if override else settings.path)


def find_ledger(path: Path, environment: Mapping[str, str], override: str | None = None) -> Place:
    """The same from the file alone, whatever else is wrong or missing in it: reading the ledger needs no secrets.

    Raises:
        ConfigError: the file cannot be read.
        ValueError: it names no store that can be read.
    """
    if override:
        return read_place(override, None)
    if environment.get("RELAY_STORE"):
        return read_place(environment["RELAY_STORE"], None)
    document = read_document(path)
    written = expand(Document(path), document.tree.get("store"), environment)
    return read_place(DEFAULT_STORE if written is None else str(written), path)


def read_place(url: str, file: Path | None = None) -> Place:
    """The place that an address names; a relative path counts from the folder of `file`, else from here.

    Raises:
        ValueError: it is neither a sqlite:/// nor a postgresql:// address.
    """
    if url.startswith(SCHEMES):
        return Place(address=url)
    if not url.startswith(_SQLITE) or url == _SQLITE:
        raise ValueError(f"`{url.partition('@')[0]}` is no store; write sqlite:///relay.db or postgresql://…")
    base = Path.cwd() if file is None else file.parent
    return Place(Path(os.path.normpath(base / url.removeprefix(_SQLITE))))
