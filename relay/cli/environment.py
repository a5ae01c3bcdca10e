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
_UNREADABLE = 3
"""The exit code of a configuration that cannot be used."""
_loaded: set[Path] = set()


def load_beside(config: Path) -> None:
    """Add what `.env` beside the configuration says to the environment; what is set there already wins.

    Blank values set nothing, so that a line may wait to be filled in. One that may not be read ends the command.
    """
    file = config.parent.absolute() / NAME
    if file in _loaded or not _is_there(file):
        return
    from dotenv import dotenv_values  # noqa: PLC0415 - only where there is such a file

    _loaded.add(file)
    if file.stat().st_mode & _OTHERS:
        click.echo(f"{file} holds secrets and can be read by others: chmod 600 {file}", err=True)
    try:
        written = dotenv_values(file, interpolate=False)
    except OSError as error:
        click.echo(
            f"{file} cannot be read ({error.strerror}): it belongs to whom the relay runs as; chown it to that user",
            err=True,
        )
        raise SystemExit(_UNREADABLE) from None
    except UnicodeDecodeError:
        click.echo(f"{file} is not UTF-8: save it as UTF-8, or as plain text without accents", err=True)
        raise SystemExit(_UNREADABLE) from None
    for name, value in written.items():
        if value:
            os.environ.setdefault(name, value)


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except PermissionError:  # nor can relay.yaml be found in such a folder, which is told by whoever reads it
        return False
