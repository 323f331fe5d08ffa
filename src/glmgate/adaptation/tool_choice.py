"""Rules: which tool is called. What the engine does not hold to is emulated, so that each choice is really enforced.

How a call is forced lives in `forced`, and in `demanded` where the service is asked instead of constrained.
"""

from __future__ import annotations

from typing import Final

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.demanded import NoCalls, demanded
from glmgate.adaptation.first_call import FirstCall
from glmgate.adaptation.forced import Forced, holds
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.trees import Json
from glmgate.errors import InvalidRequest, UnsupportedValue
from glmgate.wire.chat import ChatRequest, Tool, ToolChoice
from glmgate.wire.engine import Note

_EMULATED: Final = (Note("tool_choice", "emulated"),)
_FIRST_ONLY: Final = Note("parallel_tool_calls", "emulated")


def parallel(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`parallel_tool_calls: false` keeps the first call (contract row C5)."""
    if request.parallel_tool_calls is None:
        return Change(request)
    if request.tools is None:
        return Change(msgspec.structs.replace(request, parallel_tool_calls=None))
    if profile.tools.enforced_by == "repair":
        return _parallel_there(request, profile)
    if request.parallel_tool_calls:
        return Change(request)
    return Change(request, notes=(_FIRST_ONLY,), undo=FirstCall())


def _parallel_there(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Passed where the service obeys it; its answers are looked at all the same."""
    is_passed = "parallel" in profile.tools.choices
    fitted = request if is_passed else msgspec.structs.replace(request, parallel_tool_calls=None)
    if request.parallel_tool_calls:
        return Change(fitted)
    return Change(fitted, notes=() if is_passed else (_FIRST_ONLY,), undo=FirstCall())


def tool_choice(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Every form of `tool_choice` (contract rows C1 to C4, C8)."""
    choice = request.tool_choice
    if choice is None:
        return Change(request)
    if isinstance(choice, ToolChoice):
        return _by_object(request, choice, profile)
    match choice:
        case "auto":
            return Change(msgspec.structs.replace(request, tool_choice=None))
        case "none":
            return _none(request, profile)
        case "required":
            return _force(request, request.tools or [], profile)
        case _:
            raise InvalidRequest(
                f"'tool_choice' is {choice[:32]!r}, but must be 'none', 'auto', 'required' or an object.",
                param="tool_choice",
            )


def _none(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """No call (contract row C3). The history keeps its calls."""
    if request.tools and profile.tools.enforced_by == "repair" and "none" in profile.tools.choices:
        return Change(request, undo=NoCalls())
    notes = _EMULATED if request.tools else ()
    fitted = msgspec.structs.replace(request, tool_choice=None, tools=None, parallel_tool_calls=None)
    return Change(fitted, notes=notes, undo=NoCalls() if profile.tools.enforced_by == "repair" else None)


def _by_object(request: ChatRequest, choice: ToolChoice, profile: Profile) -> Change[ChatRequest]:
    if choice.type == "allowed_tools":
        return _allowed(request, choice, profile)
    if choice.type in profile.tools.native_types:
        return Change(request) if "named" in profile.tools.choices else _left_to_the_model(request)
    if choice.type != "function":
        raise UnsupportedValue(
            f"'tool_choice.type' is {choice.type[:32]!r}, but this model is offered functions only.",
            param="tool_choice.type",
        )
    if choice.function is None:
        raise InvalidRequest("'tool_choice.function' is missing.", param="tool_choice.function")
    chosen = _named(request, [choice.function.name], "tool_choice.function.name")
    return _force(request, chosen, profile, named=True)


def _allowed(request: ChatRequest, choice: ToolChoice, profile: Profile) -> Change[ChatRequest]:
    """OpenAI's `allowed_tools`: some of the tools, and a mode."""
    path = "tool_choice.allowed_tools"
    allowed = choice.unknown.get("allowed_tools")
    if not isinstance(allowed, dict) or not isinstance(allowed.get("tools"), list):
        raise InvalidRequest(f"{path!r} must be an object with 'mode' and 'tools'.", param=path)
    names = [_allowed_name(tool, f"{path}.tools[{place}]") for place, tool in enumerate(allowed["tools"])]
    chosen = _named(request, names, f"{path}.tools")
    match allowed.get("mode", "auto"):
        case "required":
            return _force(request, chosen, profile)
        case "auto":
            return Change(msgspec.structs.replace(request, tools=chosen, tool_choice=None), notes=_EMULATED)
        case _:
            raise InvalidRequest(f"'{path}.mode' must be 'auto' or 'required'.", param=f"{path}.mode")


def _allowed_name(tool: Json, path: str) -> str:
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise InvalidRequest(f"{path!r} must be a function with a name.", param=path)
    return name


def _named(request: ChatRequest, names: list[str], param: str) -> list[Tool]:
    by_name = {tool.function.name: tool for tool in request.tools or () if tool.function is not None}
    for name in names:
        if name not in by_name:
            raise InvalidRequest(
                f"{param!r} names {name[:64]!r}, which is not among the functions in 'tools'.", param=param
            )
    return [by_name[name] for name in dict.fromkeys(names)]


def _left_to_the_model(request: ChatRequest) -> Change[ChatRequest]:
    """A tool that the service runs itself was named, and it knows no such choice: nobody else could make the call."""
    return Change(
        msgspec.structs.replace(request, tool_choice=None), notes=(Note("tool_choice", "omitted", exact=False),)
    )


def _force(request: ChatRequest, tools: list[Tool], profile: Profile, *, named: bool = False) -> Change[ChatRequest]:
    """A call of one of `tools`. Such an answer has no text, so a response format means nothing for it."""
    functions = [tool.function for tool in tools if tool.function is not None]
    if not functions:
        raise InvalidRequest(
            "'tool_choice' asks for a call, but there is no function to call in 'tools'.", param="tool_choice"
        )
    if profile.tools.enforced_by == "repair":
        return demanded(request, tools, profile, named=named)
    fitted = msgspec.structs.replace(request, tools=tools, tool_choice="required", response_format=None)
    names = tuple(function.name for function in functions)
    is_native = all(holds(function) for function in functions)
    return Change(fitted, notes=_EMULATED, undo=Forced(names, profile, is_native=is_native))
