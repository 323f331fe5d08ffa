"""Tools and the choice of tools, as the wire has them (contract 3.1, rows C1 to C7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

Tool = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
Choice = str | bool | Mapping[str, Any] | None

OWN_TOOLS: Final = frozenset({"web_search", "retrieval", "code_interpreter", "web_browser", "drawing_tool", "mcp"})
"""What GLM runs itself; the dicts that ask for it are sent as they are."""
_FUNCTIONS: Final = frozenset({None, "function", "object"})
"""What functions have in this place: nothing, the word itself, or the type of a JSON schema."""
_EMPTY: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}


def wire_tools(tools: Sequence[Tool], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """The tools of a request: functions from whatever LangChain makes tools of, and GLM's own."""
    return [wire_tool(tool, strict=strict) for tool in tools]


def wire_tool(tool: Tool, *, strict: bool | None = None) -> dict[str, Any]:
    """One tool. GLM asks every function for a description and parameters."""
    kind = tool.get("type") if isinstance(tool, Mapping) else None
    if isinstance(tool, Mapping) and kind in OWN_TOOLS:
        return dict(tool)
    if kind not in _FUNCTIONS:
        raise ValueError(f"GLM has no tools of type {kind!r}; it has functions and {sorted(OWN_TOOLS)}.")
    wire = convert_to_openai_tool(tool, strict=strict)
    function = wire["function"]
    if strict is not None:
        function = function | {"strict": strict}
    return wire | {"function": {"description": "", "parameters": dict(_EMPTY)} | function}


def wire_choice(choice: Choice, tools: Sequence[Mapping[str, Any]]) -> str | dict[str, Any] | None:
    """The choice of tools: "any" and True are "required", a name is that function or that tool of GLM's.

    Raises ValueError for a name unknown. GLM itself takes "auto" only; a glmgate in between obeys all of them.
    """
    if choice is None or choice is False:
        return None
    if isinstance(choice, Mapping):
        return dict(choice)
    if choice is True or choice in ("any", "required"):
        return "required"
    if choice in ("auto", "none"):
        return str(choice)
    named = {name_of(tool): tool for tool in tools}
    names = list(named)
    if choice not in names:
        raise ValueError(f"tool_choice {choice!r} is none of the tools {names}, nor 'auto', 'none', 'any', 'required'.")
    return {"type": "function", "function": {"name": choice}} if "function" in named[choice] else {"type": choice}


def name_of(tool: Mapping[str, Any]) -> str:
    """The name of a tool of the wire; GLM's own are named by their type."""
    function = tool.get("function")
    return str(function["name"] if isinstance(function, Mapping) else tool["type"])
