"""`octo completion`: the script with which a shell completes verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from octo.cli.terminal import give


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for a shell.

    Example: `octo completion bash > ~/.local/share/bash-completion/completions/octo`.
    """
    from octo.cli import octo

    script = get_completion_class(shell)
    assert script is not None
    give(f"{script(octo, {}, 'octo', '_OCTO_COMPLETE').source()}\n".encode())
