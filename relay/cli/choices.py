"""What the shell completes beside commands and options: rules and connectors of the file, and samples.

The file is read as far as it can be, without its secrets; where it cannot be read, nothing is offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


def rules(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Rules by their names in small letters with hyphens, which need no quotes in any shell."""
    from relay.rules.modes import slug  # noqa: PLC0415 - quick help

    written = _section(ctx, "rules")
    names = [rule.get("name") for rule in written if isinstance(rule, Mapping)] if isinstance(written, list) else []
    return _starting((slug(name) for name in names if isinstance(name, str)), begun)


def connectors(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Connectors of the file, and the phone system's own."""
    from relay.models import CALLSCALER  # noqa: PLC0415 - quick help

    written = _section(ctx, "connectors")
    return _starting([*(written if isinstance(written, Mapping) else ()), CALLSCALER], begun)


def samples(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Samples of webhooks."""
    from relay.settings.samples import SAMPLES  # noqa: PLC0415 - quick help

    return _starting(SAMPLES, begun)


def _section(ctx: click.Context, name: str) -> Any:
    from relay.errors import ConfigError  # noqa: PLC0415 - quick help
    from relay.settings.yaml_file import read_document  # noqa: PLC0415 - quick help

    told = ctx.params.get("config") or ctx.find_root().params.get("config")
    try:
        return read_document(Path(told or "config/relay.yaml")).tree.get(name)
    except ConfigError:
        return None


def _starting(names: Iterable[str], begun: str) -> list[str]:
    return [name for name in names if name.startswith(begun)]
