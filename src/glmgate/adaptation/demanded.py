"""The emulation of a demanded call at services that are asked, not constrained: fewer tools, words, a look, again.

Which call is demanded is decided in `tool_choice`, how an answer is looked at in `checked`.
"""

from __future__ import annotations

from typing import Final

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.checked import Checked, Goal
from glmgate.adaptation.nudge import asked
from glmgate.adaptation.profile import Profile
from glmgate.errors import UnsupportedValue
from glmgate.wire.chat import ChatRequest, Tool
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Note

EMULATED: Final = Note("tool_choice", "emulated")
_AGAIN: Final = "Your last answer was thrown away: {problem}. Write no text. "


def demanded(request: ChatRequest, tools: list[Tool], profile: Profile, *, named: bool) -> Change[ChatRequest]:
    """A call of one of `tools` (contract rows C1, C2).

    A choice that the service obeys is passed, and its answer looked at all the same: with thinking on, some end without
    a call ("distributed facts 2"). Others are asked for in words, with no other tool in sight.
    """
    offered = [tool for tool in tools if tool.function is not None]
    names = names_of(offered)
    instruction = profile.tools.instruction.replace("{names}", ", ".join(names))
    by_name = named and "named" in profile.tools.choices
    is_trusted = by_name or "required" in profile.tools.choices
    if by_name:
        fitted = request
    elif is_trusted:
        fitted = msgspec.structs.replace(request, tools=offered, tool_choice="required")
    else:
        messages = asked(request.messages, instruction)
        fitted = msgspec.structs.replace(request, tools=offered, tool_choice=None, messages=messages)
    goal = Goal(
        field="tool_choice",
        names=names,
        judge=None,
        again=_AGAIN + instruction,
        repairs=profile.tools.repairs,
        trusted=is_trusted,
        tools=tuple(offered),
    )
    notes = () if is_trusted else (EMULATED,)
    return Change(msgspec.structs.replace(fitted, response_format=None), notes=notes, undo=Checked(goal, profile))


def names_of(tools: list[Tool]) -> tuple[str, ...]:
    """The names of the functions among `tools`."""
    return tuple(tool.function.name for tool in tools if tool.function is not None)


class NoCalls(Piece):
    """Takes calls out of an answer that must have none (contract row C3); one of nothing but calls is refused."""

    __slots__ = ("_called", "_spoke")

    def __init__(self) -> None:
        super().__init__()
        self._called = False
        self._spoke = False

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        self._spoke = self._spoke or bool(delta.content)
        native = delta.run_there
        self._called = self._called or len(native) < len(delta.tool_calls)
        if not self._called:
            return (delta,)
        reason = "stop" if delta.finish_reason == "tool_calls" else delta.finish_reason
        if reason == "stop" and not self._spoke:
            error = UnsupportedValue(
                "The model that answers called a function, but 'tool_choice' is 'none'. Ask again, or another model.",
                param="tool_choice",
            )
            error.remedy = "next"
            raise error
        after = msgspec.structs.replace(delta, tool_calls=native, finish_reason=reason)
        return (after,) if after != Delta(choice=delta.choice) else ()
