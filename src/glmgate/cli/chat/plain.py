"""The view for a pipe: the answer's text as it comes, and nothing else, on standard output.

Calls and waits are told on standard error.
"""

from __future__ import annotations

import click

from glmgate.cli.chat.answer import Piece
from glmgate.cli.chat.failures import Refusal
from glmgate.cli.chat.visible import one_line, visible


class Plain:
    """Writes text only. The text ends with a line feed, whether the model wrote one or not."""

    def __init__(self) -> None:
        self._last = "\n"

    def begin(self) -> None:
        """Nothing: a pipe wants the answer alone."""

    def piece(self, piece: Piece) -> None:
        """Write the text of the answer, not its thinking."""
        if piece.content:
            click.echo(visible(piece.content), nl=False)
            self._last = piece.content[-1]

    def waiting(self, refusal: Refusal) -> None:
        """Tell why nothing comes yet."""
        click.echo(refusal.line, err=True)

    def called(self, name: str, arguments: str, result: str) -> None:
        """Tell what the model used."""
        click.echo(f"{one_line(name)} {one_line(arguments)} → {one_line(result)}", err=True)

    def end(self, remark: str) -> None:
        """End the last line."""
        del remark
        if self._last != "\n":
            click.echo()
        self._last = "\n"
