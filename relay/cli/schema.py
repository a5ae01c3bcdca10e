"""`relay schema`: what relay.yaml may say, for editors and for people."""

from __future__ import annotations

import click

from relay.cli.common import json_option, print_json
from relay.cli.tables import print_table


@click.command(epilog="Example: relay schema > config/relay.schema.json")
@click.option("--facts", "only_facts", is_flag=True, help="List the names that conditions and templates may use.")
@click.option("--markdown", "as_markdown", is_flag=True, help="With --facts: as a table for a page.")
@json_option
def schema(*, only_facts: bool, as_markdown: bool, as_json: bool) -> None:
    """Print the JSON Schema of relay.yaml, or every fact that rules may ask for."""
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.settings import schema as made  # noqa: PLC0415 - quick help

    if not only_facts:
        print_json(made.schema(CONNECTORS))
        return
    found = made.facts()
    if as_json:
        print_json({"facts": found})
        return
    if as_markdown:
        click.echo(made.table_of_facts())
        return
    rows = [[fact["name"], fact["type"], ", ".join(fact["choices"]) or fact["meaning"]] for fact in found]
    print_table(["name", "type", "meaning"], rows)
