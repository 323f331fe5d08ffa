"""The program `glmgate`: its commands by name, and how their errors are told.

A command is a file of its own and imported when it is called: `keys` need not wait for the server's libraries.
"""

from __future__ import annotations

import gc
import importlib
from typing import Any, Final

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

from glmgate import __version__
from glmgate.errors import GlmgateError

COMMANDS: Final = {
    "serve": "glmgate.cli.serve",
    "chat": "glmgate.cli.chat.command",
    "pull": "glmgate.cli.pull",
    "models": "glmgate.cli.models",
    "rm": "glmgate.cli.rm",
    "keys": "glmgate.cli.keys",
    "projects": "glmgate.cli.projects",
    "organisation": "glmgate.cli.organisation",
    "audit": "glmgate.cli.audit",
    "usage": "glmgate.cli.usage",
    "reprice": "glmgate.cli.reprice",
    "reconcile": "glmgate.cli.reconcile",
    "db": "glmgate.cli.db.command",
    "config": "glmgate.cli.config",
    "doctor": "glmgate.cli.doctor.command",
    "top": "glmgate.cli.top.command",
    "completion": "glmgate.cli.completion",
    "version": "glmgate.cli.version",
}


class Commands(click.Group):
    """Finds each command in its module. Errors of ours become one line on standard error and exit status 1."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        # Importing makes objects by the hundred thousand and hardly any garbage: looking for it costs 6 % of a start.
        gc.disable()
        try:
            command = importlib.import_module(module).command
        finally:
            gc.enable()
        assert isinstance(command, click.Command)
        return command

    @override
    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        # Names alone: click's own list has each command's sentence, for which each would be imported at every TAB.
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(name) for name in COMMANDS if name.startswith(incomplete)]

    @override
    def invoke(self, ctx: click.Context) -> Any:  # click says Any
        try:
            return super().invoke(ctx)
        except GlmgateError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="glmgate")
def main() -> None:
    """Run any OpenAI application on GLM."""
