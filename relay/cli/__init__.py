"""The command line. Commands are imported when they are asked for, so that `relay --help` is quick."""

from __future__ import annotations

import importlib

import click

import relay as package

COMMANDS = {
    "alerts": ("relay.cli.reading", "alerts", "What somebody should see to, newest first."),
    "api": ("relay.cli.api", "api", "Every operation of the CallScaler API."),
    "audit": ("relay.cli.audit", "audit", "Who did what by hand."),
    "backfill": ("relay.cli.backfill", "backfill", "Fetch what the webhooks missed."),
    "backtest": ("relay.cli.backtesting", "backtest", "What other rules would make of stored calls."),
    "backup": ("relay.cli.upkeep", "backup", "A copy of the ledger, made while it is in use."),
    "cancel": ("relay.cli.acting", "cancel", "Call off deliveries that have not begun."),
    "check": ("relay.cli.check", "check", "Validate the configuration and run its tests."),
    "completion": ("relay.cli.completion", "completion", "Make the shell complete commands and options."),
    "deliveries": ("relay.cli.reading", "deliveries", "What is owed, delivered, or given up on."),
    "demo": ("relay.cli.demo", "demo", "Watch a day of calls, on this machine, with no account anywhere."),
    "doctor": ("relay.cli.doctor", "doctor", "Prove the path end to end."),
    "events": ("relay.cli.reading", "events", "What came in, newest first."),
    "find": ("relay.cli.reading", "find", "What came from one person."),
    "forget": ("relay.cli.person", "forget", "Erase a person from the ledger."),
    "init": ("relay.cli.init", "init", "Write a configuration to begin with."),
    "live": ("relay.cli.modes", "live", "Let a rule act, whatever the file says."),
    "nodes": ("relay.cli.nodes", "nodes", "The relays that share the ledger."),
    "off": ("relay.cli.modes", "off", "Let a rule rest, whatever the file says."),
    "numbers": ("relay.cli.numbers", "numbers", "Groups of numbers: plan, apply, undo."),
    "optout": ("relay.cli.people", "optout", "People who are never texted."),
    "pause": ("relay.cli.acting", "pause", "Hold back everything for one connector; nothing is lost."),
    "person": ("relay.cli.person", "person", "Everything the ledger knows of a person."),
    "prune": ("relay.cli.upkeep", "prune", "Let go of what retention no longer keeps."),
    "quarantine": ("relay.cli.people", "quarantine", "Events held back until somebody has looked."),
    "replay": ("relay.cli.replaying", "replay", "Do again what died, or whole events."),
    "refused": ("relay.cli.refused", "refused", "Requests that made no event, and why."),
    "resume": ("relay.cli.acting", "resume", "Let a paused connector go on."),
    "retry": ("relay.cli.acting", "retry", "Give dead deliveries another schedule of tries."),
    "sandbox": ("relay.cli.sandbox", "sandbox", "A stand-in for the CallScaler API."),
    "schema": ("relay.cli.schema", "schema", "The JSON Schema of relay.yaml; every fact that rules may ask for."),
    "secrets": ("relay.cli.secrets", "secrets", "The key that the ledger is sealed with."),
    "send": ("relay.cli.send", "send", "Post a sample webhook, with the right proof."),
    "serve": ("relay.cli.serve", "serve", "Run the relay."),
    "shadow": ("relay.cli.modes", "shadow", "Let a rule decide and send nothing, whatever the file says."),
    "show": ("relay.cli.reading", "show", "One event: verdicts, deliveries, tries."),
    "store": ("relay.cli.moving", "store", "The ledger as a whole: copy it to another place."),
    "texts": ("relay.cli.people", "texts", "Texts, newest first; switch them off and on."),
    "try": ("relay.cli.trying", "try_", "What a rule would do, with nothing sent."),
    "url": ("relay.cli.serve", "url", "The address and header to paste into the call flow."),
    "watch": ("relay.cli.watch", "watch", "What comes in and what is done about it, live."),
    "why": ("relay.cli.reading", "why", "Why rules did what they did with an event."),
}


class Forgiving(click.Group):
    """A group that answers a misspelt command with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, or a word on what was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from relay.forms import nearest  # noqa: PLC0415 - only for a mistake

            near = nearest(args[0], self.list_commands(ctx))
            raise click.UsageError(f"{error.message} Did you mean `{near}`?" if near else error.message, ctx) from None


class Lazy(Forgiving):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Every command's name."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own signature
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own signature
        """Every command with its line, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in sorted(COMMANDS)])


ABOUT = """CallScaler Relay: webhooks in, rules in YAML, messages, rows and texts out.

\b
relay demo                       watch it work, no account needed
relay init                       a configuration to begin with
relay check                      is the configuration right?
relay doctor                     does everything work, and what to do if not?
relay serve                      run it
relay why last                   why did that happen?
"""


@click.group(cls=Lazy, help=ABOUT, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package.__version__, prog_name="relay", message="%(prog)s %(version)s")
@click.option(
    "-c",
    "--config",
    envvar="RELAY_CONFIG",
    default="config/relay.yaml",
    show_default=True,
    type=click.Path(readable=False),
    help="The configuration file.",
)
@click.option("--store", metavar="URL", help="The ledger, instead of the configured one.")
@click.pass_context
def relay(ctx: click.Context, config: str, store: str | None) -> None:  # noqa: ARG001 - commands look for it here
    """Hand the configuration's place to the command."""
    ctx.obj = config
