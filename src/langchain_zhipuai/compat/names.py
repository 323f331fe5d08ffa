"""Puts the names that old programs import into `langchain`, and takes them away again."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any, Final

import langchain.agents
import langchain.tools

from langchain_zhipuai import hub
from langchain_zhipuai.compat.shell import ShellInput, ShellTool
from langchain_zhipuai.compat.tools import tool


class Names:
    """What was put where; taken away in the reverse order."""

    def __init__(self) -> None:
        self._modules: list[str] = []
        self._attributes: list[tuple[ModuleType, str, Any]] = []

    def module(self, name: str, **members: Any) -> None:
        """Provide a module, unless LangChain has one of this name."""
        if name in sys.modules or importlib.util.find_spec(name) is not None:
            return
        made = ModuleType(name, "Provided by langchain_zhipuai.compat, since LangChain has none.")
        for member, value in members.items():
            setattr(made, member, value)
        sys.modules[name] = made
        self._modules.append(name)
        package, _, last = name.rpartition(".")
        self.attribute(importlib.import_module(package), last, made)

    def attribute(self, module: ModuleType, name: str, value: Any) -> None:
        """Provide a name of a module, unless it is there."""
        if not hasattr(module, name):
            setattr(module, name, value)
            self._attributes.append((module, name, value))

    def remove(self) -> None:
        """Take away what was provided and is still what was provided."""
        while self._attributes:
            module, name, value = self._attributes.pop()
            if getattr(module, name, None) is value:
                delattr(module, name)
        while self._modules:
            sys.modules.pop(self._modules.pop(), None)


_NAMES: Final = Names()


def install() -> None:
    """Provide the names; those that are there already stay what they are."""
    _NAMES.module("langchain.hub", pull=hub.pull)
    _NAMES.module("langchain.tools.shell", ShellTool=ShellTool, ShellInput=ShellInput)
    _NAMES.attribute(langchain.agents, "tool", tool)


def uninstall() -> None:
    """Take the names away; what was imported through them stays usable."""
    _NAMES.remove()
