"""`relay api RESOURCE ACTION`: every operation of the API from the shell, built from the client's own table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relay.cli import Forgiving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.callscaler.operations import Operation, Parameter

_BASE_URL = "https://callscaler.com/api/v1"


def _operations() -> Mapping[str, Operation]:
    from relay.callscaler.table import OPERATIONS  # noqa: PLC0415 - `relay --help` does not wait for it

    return OPERATIONS


class _Actions(Forgiving):
    """The actions of one resource."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [operation.action for operation in _operations().values() if operation.resource == self.name]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        operation = _operations().get(f"{self.name} {cmd_name}")
        return None if operation is None else _command(operation)


class _Resources(Forgiving):
    """The resources, in the order of the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(dict.fromkeys(operation.resource for operation in _operations().values()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        actions = [o.action for o in _operations().values() if o.resource == cmd_name]
        return _Actions(cmd_name, help=", ".join(actions))


@click.command(cls=_Resources)
def api() -> None:
    """Ask the CallScaler API: relay api RESOURCE ACTION.

    The key comes from CALLSCALER_API_KEY, the address from CALLSCALER_BASE_URL or the public one; both are looked for
    in `.env` beside relay.yaml, too.
    """
    from relay.cli.common import config_path  # noqa: PLC0415 - quick help

    config_path(None)


def _command(operation: Operation) -> click.Command:
    final = operation.deed == "final"
    about = f"{operation.about}.\n\n{operation.address}"
    if final:
        about += "\n\nCosts money, hands out power or cannot be undone: needs --yes."
    parameters = [_click(parameter) for parameter in operation.parameters]
    if operation.file:
        parameters.append(
            click.Option(["-o", "--output"], required=True, help="Where the file goes; - is standard output.")
        )
    parameters += [
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
        click.Option(["--dry-run"], is_flag=True, help="Print the request, without the key, and send nothing."),
        click.Option(["--yes"], is_flag=True, hidden=not final, help="Do it."),
        click.Option(["--key-env"], default="CALLSCALER_API_KEY", show_default=True, help="Variable with the key."),
        click.Option(["--base-url"], envvar="CALLSCALER_BASE_URL", default=_BASE_URL, show_default=True),
    ]
    return click.Command(
        operation.action,
        params=parameters,
        help=about,
        short_help=operation.about,
        callback=lambda **given: _run(operation, given),
    )


def _click(parameter: Parameter) -> click.Parameter:
    """An id is an argument; everything else is an option with the API's own name."""
    if parameter.place == "path":
        return click.Argument([parameter.name])
    kinds: Mapping[str, Any] = {"integer": click.INT, "decimal": click.FLOAT, "yes or no": click.BOOL, "json": _Json()}
    several = parameter.kind in {"list", "fields"}
    option = "--field" if parameter.kind == "fields" else f"--{parameter.name.replace('_', '-')}"
    notes = {"list": "commas or repeated", "fields": "NAME=VALUE, repeated", "json": "JSON, or @FILE"}
    about = "; ".join(filter(None, [parameter.about, notes.get(parameter.kind)]))
    return click.Option(
        [option, parameter.name],
        type=kinds.get(parameter.kind, click.STRING),
        multiple=several,
        required=parameter.required,
        help=about or None,
    )


class _Json(click.ParamType[Any]):
    """JSON written out, or the name of a file with it after an @."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value)
        except (OSError, ValueError) as error:
            self.fail(f"cannot be read as JSON: {error}", param, ctx)


def _run(operation: Operation, given: dict[str, Any]) -> None:
    from relay.cli.api_run import Wish, run  # noqa: PLC0415 - help does not wait for the client

    run(Wish(operation, _values(operation, given), **given))


def _values(operation: Operation, given: dict[str, Any]) -> dict[str, Any]:
    """Take what the operation wants out of `given`, as the client takes it: lists split, further fields a mapping."""
    values: dict[str, Any] = {}
    for parameter in operation.parameters:
        value = given.pop(parameter.name)
        if parameter.kind == "list" and value:
            value = [part.strip() for text in value for part in text.split(",") if part.strip()]
        if parameter.kind == "fields" and value:
            value = dict(_field(text) for text in value)
        if value is not None and value != ():
            values[parameter.name] = value
    return values


def _field(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.UsageError(f"--field {text!r}: write NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
