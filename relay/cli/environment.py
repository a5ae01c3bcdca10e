"""Settings from a file `.env` beside relay.yaml, so that secrets need no shell to be there."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

NAME = ".env"
_OTHERS = stat.S_IRGRP | stat.S_IROTH
_loaded: set[Path] = set()


def load_beside(config: Path) -> None:
    """Add what `.env` beside the configuration says to the environment; what is set there already wins.

    Blank values set nothing, so that a line may wait to be filled in.
    """
    file = config.parent.absolute() / NAME
    if file in _loaded or not file.is_file():
        return
    from dotenv import dotenv_values  # noqa: PLC0415 - only where there is such a file

    _loaded.add(file)
    if file.stat().st_mode & _OTHERS:
        click.echo(f"{file} holds secrets and can be read by others: chmod 600 {file}", err=True)
    for name, value in dotenv_values(file, interpolate=False).items():
        if value:
            os.environ.setdefault(name, value)
