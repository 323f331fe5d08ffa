"""`glmgate completion`: prints what a shell needs to complete the commands, their options and their words.

The scripts are click's; nothing about the commands is repeated here.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_GLMGATE_COMPLETE"
"""How a shell asks: click derives this name from that of the program."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For this session: `source <(glmgate completion bash)`, or `glmgate completion fish | source`.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "glmgate", _VARIABLE).source())
