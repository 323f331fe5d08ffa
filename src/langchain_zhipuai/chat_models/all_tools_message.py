"""Calls of GLM's built-in tools: the pieces that come on the wire, and the calls that they make up (contract 3.4).

The pieces stay as they came, in `message.additional_kwargs["all_tools"]`. Only the wire's `index` is renamed to
`position`: LangChain would merge the pieces of one index into one, and the order of inputs and outputs were lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict, cast

from langchain_core.messages import AIMessage, AIMessageChunk

ALL_TOOLS: Final = "all_tools"
"""The member of `additional_kwargs` that holds the pieces, in their order."""
BUILT_IN_TOOLS: Final = ("code_interpreter", "web_browser", "drawing_tool")
ALL_TOOLS_MODELS: Final = frozenset({"glm-4-alltools", "glm-4-alltools-dev", "tob-alltools-api-dev"})
"""The models whose streams consist of ALLToolsMessageChunk."""


class _Placed(TypedDict):
    type: str
    id: str | None
    position: int


class BuiltInPiece(_Placed, total=False):
    """A piece of a call: some input, or its outputs, in the member that is named like the tool.

    A `type` of "function" has neither; it says where an ordinary tool call of the same message stood.
    """

    code_interpreter: dict[str, Any]
    web_browser: dict[str, Any]
    drawing_tool: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BuiltInCall:
    """A call of a built-in tool. `outputs` None: none came, so it is the client's to make."""

    type: str
    id: str | None
    input: str
    outputs: list[dict[str, Any]] | None
    position: int


class ALLToolsMessageChunk(AIMessageChunk):
    """A piece of an answer of a model with built-in tools; a sum that begins with one is one."""


def built_in_calls(message: AIMessage) -> list[BuiltInCall]:
    """The calls of built-in tools of a message, in their order; those of functions are in `message.tool_calls`."""
    return list(folded(message.additional_kwargs.get(ALL_TOOLS) or ()))


def folded(pieces: Iterable[Mapping[str, Any]]) -> Iterator[BuiltInCall]:
    """The calls that pieces make up. Another begins with another tool or id, or with input behind outputs."""
    call: _Open | None = None
    for piece in pieces:
        if call is not None and not call.goes_on_with(piece):
            yield call.closed()
            call = None
        if piece["type"] not in BUILT_IN_TOOLS:
            continue
        call = call or _Open(piece["type"], piece.get("id"), piece["position"])
        call.add(piece)
    if call is not None:
        yield call.closed()


def piece_of(wire: Mapping[str, Any], position: int) -> BuiltInPiece:
    """The piece of a wire's `tool_calls` entry; `position` is for a wire that has no `index`."""
    kind = wire.get("type") or "function"
    index = wire.get("index")
    piece: dict[str, Any] = {name: value for name, value in wire.items() if name not in {"index", "function"}}
    piece |= {"type": kind, "id": wire.get("id") or None, "position": index if isinstance(index, int) else position}
    return cast("BuiltInPiece", piece)


def is_built_in(wire: Mapping[str, Any]) -> bool:
    """Whether a wire's `tool_calls` entry is of a built-in tool."""
    return wire.get("type") in BUILT_IN_TOOLS


@dataclass(slots=True)
class _Open:
    """A call whose end has not been seen."""

    type: str
    id: str | None
    position: int
    input: list[str] = field(default_factory=list)
    outputs: list[dict[str, Any]] | None = None

    def goes_on_with(self, piece: Mapping[str, Any]) -> bool:
        """Whether a piece belongs to this call. One that names it does; one without an id, unless it begins anew."""
        name = piece.get("id")
        if piece["type"] != self.type or (name is not None and self.id is not None and name != self.id):
            return False
        if self.outputs is None:
            return True
        return name == self.id if name is not None else "input" not in (piece.get(self.type) or {})

    def add(self, piece: Mapping[str, Any]) -> None:
        """Take what a piece brings."""
        self.id = self.id or piece.get("id")
        brought = piece.get(self.type) or {}
        self.input.append(brought.get("input") or "")
        if brought.get("outputs") is not None:
            self.outputs = [*(self.outputs or ()), *brought["outputs"]]

    def closed(self) -> BuiltInCall:
        """The call as it is in the end."""
        return BuiltInCall(self.type, self.id, "".join(self.input), self.outputs, self.position)
