"""What a strict service finds wrong in a request: a refusal, or a member that it would ignore in silence.

What is wrong for which service is in `glm`, `openai` and `local`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

HARMLESS: Final[Mapping[str, tuple[object, ...]]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "parallel_tool_calls": (True,),
    "store": (False,),
    "encoding_format": ("float",),
}
"""Values that ask for nothing: a service that ignores them does what was asked."""


@dataclass
class Refused(Exception):
    """The service says no."""

    status: int
    code: str
    message: str
    param: str | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"


@dataclass(slots=True)
class Look:
    """A look at one body: what was ignored stands in `ignored`, as paths."""

    body: Mapping[str, Any]
    ignored: list[str] = field(default_factory=list)

    def given(self, name: str) -> Any:
        """A member; null is absent."""
        return self.body.get(name)

    def ignore(self, path: str) -> None:
        """The service drops this in silence."""
        self.ignored.append(path)

    def ignore_beyond(self, known: frozenset[str]) -> None:
        """It drops every member that it does not know."""
        for name, value in self.body.items():
            if name not in known and value is not None and value not in HARMLESS.get(name, ()):
                self.ignore(name)


def number(look: Look, name: str, *, low: float, high: float) -> bool:
    """Whether a number is absent or within its range."""
    value = look.given(name)
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high)
