"""Files of config/ that come with the program: beside the package in a checkout, within it when installed."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """The path of config/<name>."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "config" / name
    return installed if installed.exists() else package.parent / "config" / name
