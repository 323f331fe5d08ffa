"""What a typed line means: a question, or one of the commands that begin with a slash.

Nothing is done here; who does it is `loop`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Say:
    """A question for the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Order:
    """A command, known and with an argument that it can have."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that means nothing, and what to type instead."""

    message: str


Typed = Say | Order | Mistake | None


@dataclass(frozen=True, slots=True)
class _Rule:
    help: str
    argument: str = ""
    required: bool = False
    words: tuple[str, ...] = ()


COMMANDS: Final[Mapping[str, _Rule]] = MappingProxyType(
    {
        "help": _Rule("Show this list."),
        "model": _Rule("Go on with another model; alone: list those there are.", "NAME"),
        "system": _Rule("Tell the model what it is; alone: take that back.", "TEXT"),
        "think": _Rule(
            "Thinking on or off at the model; show or hide it here.",
            "on|off|show|hide",
            required=True,
            words=("on", "off", "show", "hide"),
        ),
        "tools": _Rule("Let the model call a clock and a calculator.", "on|off", required=True, words=("on", "off")),
        "image": _Rule("Send an image (PNG, JPEG, GIF, WebP) with the next question.", "FILE", required=True),
        "save": _Rule("Write the conversation to a file.", "FILE", required=True),
        "load": _Rule("Go on with a conversation from a file.", "FILE", required=True),
        "clear": _Rule("Forget what was said."),
        "quit": _Rule("End, as Ctrl-D does."),
    }
)


def typed(line: str) -> Typed:
    """What `line` means; None: nothing. A line that begins with a blank is a question, whatever follows."""
    if not line.strip():
        return None
    if not line.startswith("/"):
        return Say(line.strip())
    name, _, rest = line[1:].strip().partition(" ")
    rule, argument = COMMANDS.get(name), rest.strip()
    if rule is None:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        instead = f"do you mean /{near[0]}?" if near else "/help lists the commands."
        return Mistake(f"There is no command {'/' + name!r}: {instead} To send the line, begin it with a blank.")
    return _order(name, argument, rule)


def _order(name: str, argument: str, rule: _Rule) -> Order | Mistake:
    if (rule.required and not argument) or (rule.words and argument not in rule.words):
        return Mistake(f"Type {usage(name)}.")
    if argument and not rule.argument:
        return Mistake(f"/{name} takes nothing after it.")
    return Order(name, argument)


def usage(name: str) -> str:
    """How a command is typed."""
    rule = COMMANDS[name]
    argument = rule.argument if rule.required else f"[{rule.argument}]" if rule.argument else ""
    return f"/{name} {argument}".rstrip()


def help_text() -> str:
    """All commands, a line each."""
    rows = [(usage(name), rule.help) for name, rule in COMMANDS.items()]
    width = max(len(row[0]) for row in rows)
    lines = [f"{how.ljust(width)}  {what}" for how, what in rows]
    return "\n".join([*lines, "", "Ctrl-C stops an answer, Ctrl-D ends. A line that ends in \\ goes on in the next."])
