"""Lines from a person: editing, history and completion by the readline library, where Python was built with it.

What a line means is decided in `commands`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from pathlib import Path
from typing import Final

from glmgate.cli.chat.commands import COMMANDS

HISTORY_FILE: Final = "chat_history"
_LONGEST_HISTORY: Final = 1000


class Terminal:
    """Asks for lines on the terminal. The history is kept in a file that only its owner may read."""

    def __init__(self, home: Path) -> None:
        self._history = home / HISTORY_FILE
        self._has_readline = importlib.util.find_spec("readline") is not None
        if self._has_readline:
            self._set_up()

    def ask(self, prompt: str) -> str:
        """A line, or several where each but the last ends in a backslash. EOFError at Ctrl-D."""
        lines = [input(prompt)]
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            lines.append(input("… "))
        return "\n".join(lines)

    def keep(self) -> str | None:
        """Write the history down; why that failed, else None."""
        if not self._has_readline:
            return None
        import readline  # noqa: PLC0415 -- not every Python has it

        try:
            os.close(os.open(self._history, os.O_WRONLY | os.O_CREAT, 0o600))
            readline.write_history_file(self._history)
        except OSError as error:
            return f"The history cannot be kept in {str(self._history)!r}: {error}."
        return None

    def _set_up(self) -> None:
        import readline  # noqa: PLC0415 -- not every Python has it

        readline.set_history_length(_LONGEST_HISTORY)
        if self._history.is_file():
            with contextlib.suppress(OSError):  # `keep` will say so
                readline.read_history_file(self._history)
        readline.set_completer_delims(" ")
        readline.set_completer(_completed)
        # libedit, which macOS has in its place, has a language of its own.
        libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")


def _completed(text: str, state: int) -> str | None:
    """The command number `state` that begins as `text` does."""
    found = [f"/{name}" for name in COMMANDS if f"/{name}".startswith(text)] if text.startswith("/") else []
    return found[state] if state < len(found) else None
