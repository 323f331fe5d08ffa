"""The view for a terminal: Markdown rendered block by block, thinking and remarks dimmed.

All text of others is made visible before anything is read into it; the escapes that are written are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TextIO

from glmgate.cli.chat.answer import Piece
from glmgate.cli.chat.blocks import Blocks
from glmgate.cli.chat.failures import Refusal
from glmgate.cli.chat.inline import DIM, ITALIC, RED, Run
from glmgate.cli.chat.markdown import paint, rendered, wrapped
from glmgate.cli.chat.visible import one_line, visible


class Screen:
    """Shows turns on a terminal. `thinking`: show it, else only that there is some.

    `size` tells columns and rows. With `smart` false (TERM=dumb) there are no colours and nothing is drawn twice.
    """

    def __init__(self, out: TextIO, *, size: Callable[[], tuple[int, int]], smart: bool = True) -> None:
        self.thinking = True
        self._out = out
        self._size = size
        self._smart = smart
        self._blocks = Blocks()
        self._mode: Literal["", "thinking", "writing"] = ""
        self._any = False
        self._drawn = 0

    def say(self, text: str) -> None:
        """A remark of the program's own."""
        self._put("\n".join(self._styled(line, DIM) for line in visible(text).split("\n")) + "\n")

    def fail(self, text: str) -> None:
        """An error, in one line."""
        self._put(self._styled(visible(text), RED) + "\n")

    def begin(self) -> None:
        """A new answer."""
        self._blocks, self._mode, self._any = Blocks(), "", False

    def piece(self, piece: Piece) -> None:
        """Thinking as it comes, dimmed; text as blocks, the one that is being written as it is."""
        if piece.reasoning:
            self._think(visible(piece.reasoning))
        if piece.content:
            self._leave_thinking()
            for block in self._blocks.feed(visible(piece.content)):
                self._print(block)
            self._preview()

    def waiting(self, refusal: Refusal) -> None:
        """Tell what is waited for."""
        self.say(refusal.line)

    def called(self, name: str, arguments: str, result: str) -> None:
        """Tell what the model used."""
        self.say(f"{one_line(name)} {one_line(arguments)} → {one_line(result)}")

    def end(self, remark: str) -> None:
        """Print what is left, and the remark below."""
        self._leave_thinking()
        for block in self._blocks.close():
            self._print(block)
        if remark:
            self.say(remark)

    def _think(self, text: str) -> None:
        if self._mode == "":
            self._mode = "thinking"
            if not self.thinking:
                self.say("thinking …")
        if self.thinking:
            self._put("\n".join(self._styled(line, f"{DIM};{ITALIC}") for line in text.split("\n")))

    def _leave_thinking(self) -> None:
        if self._mode == "thinking" and self.thinking:
            self._put("\n\n")
        self._mode = "writing"

    def _print(self, block: str) -> None:
        lines = rendered(block, self._size()[0] - 1) if self._smart else block.split("\n")
        gap = "\n" if self._any else ""
        self._any = True
        self._put(self._erasing() + gap + "\n".join(lines) + "\n")

    def _preview(self) -> None:
        """Draw the block that has not ended, as it is written, in place of what was drawn of it before."""
        if not self._smart:
            return
        width, height = self._size()
        # No more than fits: what has scrolled away cannot be drawn over.
        rows = max(1, height // 2)
        source = self._blocks.tail.expandtabs(4).split("\n")[-rows:]
        lines = [paint(row) for line in source for row in wrapped([Run(line)], width - 1)][-rows:]
        gap = [""] if self._any else []
        self._put(self._erasing() + "\n".join([*gap, *lines]))
        self._drawn = len(gap) + len(lines)

    def _erasing(self) -> str:
        """The escapes that take back what was drawn last: to its first row, and clear from there (ECMA-48)."""
        drawn, self._drawn = self._drawn, 0
        if not drawn:
            return ""
        return "\r" + (f"\x1b[{drawn - 1}A" if drawn > 1 else "") + "\x1b[J"

    def _styled(self, text: str, style: str) -> str:
        return paint([Run(text, style)]) if self._smart and text else text

    def _put(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
