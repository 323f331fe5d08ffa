"""The conversation at a terminal: a line is asked for, done, and the next one asked for, until the person has enough.

What lines mean is decided in `commands`; files are read and written here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from glmgate.cli.chat.commands import Mistake, Order, Say, help_text, typed
from glmgate.cli.chat.conversation import Conversation, NotSaved
from glmgate.cli.chat.failures import ServiceFailed
from glmgate.cli.chat.images import MOST_BYTES, data_url
from glmgate.cli.chat.screen import Screen
from glmgate.cli.chat.service import Service
from glmgate.cli.chat.terminal import Terminal
from glmgate.cli.chat.turn import turn

_PROMPT: Final = "> "
_CLOSING_S: Final = 0.05


class Loop:
    """One sitting. `runner` runs what has to wait; it turns Ctrl-C into a cancellation."""

    def __init__(
        self,
        conversation: Conversation,
        service: Service,
        *,
        screen: Screen,
        terminal: Terminal,
        runner: asyncio.Runner,
    ) -> None:
        self._conversation = conversation
        self._service = service
        self._screen = screen
        self._terminal = terminal
        self._runner = runner
        self._orders: Mapping[str, Callable[[str], None]] = {
            "help": lambda _: self._screen.say(help_text()),
            "model": self._model,
            "system": self._system,
            "think": self._think,
            "tools": self._tools,
            "image": self._image,
            "save": self._save,
            "load": self._load,
            "clear": self._clear,
        }

    def run(self) -> None:
        """Until Ctrl-D or /quit."""
        while True:
            try:
                line = self._terminal.ask(_PROMPT)
            except EOFError:
                self._screen.say("")
                break
            except KeyboardInterrupt:
                self._screen.say("\nCtrl-D or /quit ends.")
                continue
            meant = typed(line)
            if meant == Order("quit"):
                break
            self._do(meant)
        if (problem := self._terminal.keep()) is not None:
            self._screen.fail(problem)

    def _do(self, meant: Say | Order | Mistake | None) -> None:
        try:
            match meant:
                case Say(text):
                    self._conversation.ask(text)
                    self._runner.run(turn(self._conversation, self._service, self._screen))
                case Order(name, argument):
                    self._orders[name](argument)
                case Mistake(message):
                    self._screen.fail(message)
                case None:
                    pass
        except ServiceFailed as failure:
            self._screen.fail(str(failure))
        except KeyboardInterrupt:
            # The turn has told that it was stopped. Its connection is closed by the event loop, which would otherwise
            # stand still until the next question: the model would go on writing for nobody.
            self._runner.run(asyncio.sleep(_CLOSING_S))

    def _model(self, name: str) -> None:
        if name:
            self._conversation.model = name
            self._screen.say(f"Answers come from {name} now.")
            return
        names = self._runner.run(self._service.models())
        self._screen.say("\n".join(f"{'*' if each == self._conversation.model else ' '} {each}" for each in names))

    def _system(self, text: str) -> None:
        self._conversation.system = text
        self._screen.say("The model is told so from now on." if text else "The model is told nothing beforehand.")

    def _think(self, word: str) -> None:
        match word:
            case "on" | "off":
                self._conversation.think = word == "on"
                self._screen.say(f"Thinking is {word}, where the model can.")
            case _:
                self._screen.thinking = word == "show"
                self._screen.say("Thinking is shown." if word == "show" else "Thinking is hidden.")

    def _tools(self, word: str) -> None:
        self._conversation.tools = word == "on"
        self._screen.say("The model may use a clock and a calculator." if word == "on" else "The model has no tools.")

    def _image(self, name: str) -> None:
        try:
            with _path(name).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            self._screen.fail(f"{name!r} cannot be read: {error.strerror}.")
            return
        url = data_url(content)
        if len(content) > MOST_BYTES:
            self._screen.fail(f"{name!r} is larger than {MOST_BYTES // 1_000_000} MB: send a smaller picture.")
        elif url is None:
            self._screen.fail(f"{name!r} is no PNG, JPEG, GIF or WebP.")
        else:
            self._conversation.images.append(url)
            self._screen.say("The picture goes with the next question.")

    def _save(self, name: str) -> None:
        path = _path(name)
        try:
            if path.exists():
                Conversation("").load(path.read_bytes())
            _write(path, self._conversation.saved())
        except NotSaved:
            self._screen.fail(f"{name!r} is there and holds no conversation: give another name.")
        except OSError as error:
            self._screen.fail(f"{name!r} cannot be written: {error.strerror}.")
        else:
            self._screen.say(f"Saved: {name}")

    def _load(self, name: str) -> None:
        try:
            self._conversation.load(_path(name).read_bytes())
        except OSError as error:
            self._screen.fail(f"{name!r} cannot be read: {error.strerror}.")
        except NotSaved as error:
            self._screen.fail(f"{name!r} holds no conversation that /save wrote: {error}.")
        else:
            said = len(self._conversation.messages)
            self._screen.say(f"Loaded {said} messages; answers come from {self._conversation.model}.")

    def _clear(self, _: str) -> None:
        self._conversation.clear()
        self._screen.say("What was said is forgotten.")


def _path(name: str) -> Path:
    return Path(name).expanduser()


def _write(path: Path, text: str) -> None:
    # Whole or not at all, and for nobody else's eyes: people tell models much.
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
