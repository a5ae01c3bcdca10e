"""`relay completion`: what the shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_HINT = {
    "bash": 'eval "$(relay completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(relay completion zsh)" in ~/.zshrc',
    "fish": "relay completion fish > ~/.config/fish/completions/relay.fish",
}

_NO_COMPINIT = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }"
"""A zsh whose .zshrc is new has no completion of its own begun, and click's lines need it."""


@click.command(epilog="Example: relay completion bash")
@click.argument("shell", type=click.Choice(list(_HINT)))
def completion(shell: str) -> None:
    """Print what makes SHELL complete relay's commands and options; put it where the shell begins."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no {shell}")
    # Filled in here: click's own `source()` first runs the shell to learn its version.
    made = found(click.get_current_context().find_root().command, {}, "relay", "_RELAY_COMPLETE")
    source = made.source_template % made.source_vars()
    if shell == "zsh":  # the first line is for those who keep it as a file in their fpath
        first, _, rest = source.partition("\n")
        source = f"{first}\n{_NO_COMPINIT}\n{rest}"
    click.echo(source)
    click.echo(f"# {_HINT[shell]}", err=True)
