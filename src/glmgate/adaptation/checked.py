"""The emulation that looks at an answer before it goes on, and asks again where it is not as asked for.

What an answer must be and how the model is told is a `Goal`, made by the rules (`tool_choice`, `formats`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from typing_extensions import override

from glmgate.adaptation.calls import problem_of_calls, whole_calls
from glmgate.adaptation.change import Piece
from glmgate.adaptation.judge import Judge, bare
from glmgate.adaptation.nudge import asked, corrected
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.thinking import without_thinking
from glmgate.errors import EngineFailed, UnsupportedValue
from glmgate.wire.chat import ChatRequest, Tool
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.engine import Note
from glmgate.wire.fold import ChoiceFold

_SHOWN_AGAIN: Final = 20_000  # characters of a bad answer that the model gets to see; the rest says nothing new
_CUT_OFF: Final = ("length", "model_context_window_exceeded")
_NO_CALL: Final = "no function was called"


@dataclass(frozen=True, slots=True)
class Goal:
    """What an answer must be: a call of one of `names`, or, where there is a `judge`, text that is right by it.

    `field` is the request's member that asks for it. `again` is told to the model with `{problem}` filled in, in at
    most `repairs` further calls; those that must call are offered `tools` only. `trusted`: the service holds to it by
    itself, so what begins well goes on at once.
    """

    field: str
    names: tuple[str, ...]
    judge: Judge | None
    again: str
    repairs: int
    trusted: bool = False
    tools: tuple[Tool, ...] | None = None


class Checked(Piece):
    """Lets reasoning through and holds back what must be looked at first. The tokens of all calls are summed.

    A further call runs with thinking off, has the caller's limit, and only its text and calls are shown. When the last
    one allowed is no good either, or a part of a bad answer has left already, it raises UnsupportedValue.
    """

    __slots__ = (
        "_asked",
        "_begin",
        "_fold",
        "_goal",
        "_going",
        "_next",
        "_problem",
        "_profile",
        "_spent",
        "_strayed",
        "_total",
    )

    def __init__(self, goal: Goal, profile: Profile) -> None:
        super().__init__()
        self._goal = goal
        self._profile = profile
        self._asked = 0
        self._spent = Usage()
        self._total = Usage()
        self._fold = ChoiceFold()
        self._going = False
        self._strayed = False
        self._problem: str | None = None
        # What the service has run in one call has left; pieces of the next one must not have its indexes.
        self._begin = 0
        self._next = 0

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        if delta.usage is not None:
            self._total = self._spent + delta.usage
            delta = msgspec.structs.replace(delta, usage=self._total)
        if self._problem is not None:
            return _something(Delta(choice=delta.choice, usage=delta.usage))
        native, delta = _apart(_moved(delta, self._begin))
        self._next = max(self._next, *(piece.index + 1 for each in native for piece in each.tool_calls), 0)
        self._fold.feed(delta)
        if delta.finish_reason is None:
            return native + _something(self._shown(delta))
        return native + _something(self._ended(delta, delta.finish_reason))

    @override
    def follow_up(self, request: ChatRequest) -> ChatRequest | None:
        if self._problem is None:
            return None
        problem, answer = self._problem, "".join(self._fold.content)[:_SHOWN_AGAIN]
        self._problem, self._fold, self._spent = None, ChoiceFold(), self._total
        self._asked += 1
        self._begin = self._next
        self._strayed = False
        self.done = False
        text = self._goal.again.replace("{problem}", problem)
        if self._goal.tools is not None:
            request = msgspec.structs.replace(request, tools=list(self._goal.tools))
            messages = asked(request.messages, text)
        else:
            messages = corrected(request.messages, answer, text)
        return without_thinking(msgspec.structs.replace(request, messages=messages), self._profile).request

    @override
    def notes(self) -> tuple[Note, ...]:
        return (Note(self._goal.field, "repaired"),) if self._asked else ()

    @override
    def close(self) -> tuple[Delta, ...]:
        if self._fold.finish_reason is None and not self._going and (self._fold.content or self._fold.calls):
            raise EngineFailed("The answer broke off before it could be looked at. Send the request again.")
        return ()

    def _shown(self, delta: Delta) -> Delta:
        """What of a piece goes on before the end is known."""
        if not self._going and self._goal.trusted and self._begins_well(delta):
            self._going = True
            content = "".join(self._fold.content) or None
            delta = msgspec.structs.replace(delta, content=content, logprobs=self._fold.logprobs)
        if self._going:
            return self._first_thoughts(delta)
        logprobs = delta.logprobs if delta.reasoning and not delta.content else None
        return self._first_thoughts(msgspec.structs.replace(delta, content=None, tool_calls=(), logprobs=logprobs))

    def _begins_well(self, delta: Delta) -> bool:
        """Whether it may go on from here. What begins otherwise is held to its end, so it is looked at only once."""
        if self._strayed:
            return False
        if delta.tool_calls:
            begins = all(call.name in self._goal.names for call in self._fold.calls.values())
        elif self._goal.judge is not None and delta.content and delta.content.strip():
            begins = delta.content.lstrip()[:1] in ("{", "[")
        else:
            return False
        self._strayed = not begins
        return begins

    def _first_thoughts(self, delta: Delta) -> Delta:
        """Only the first call's reasoning is shown: that of the others is about what nobody saw."""
        return delta if not self._asked else msgspec.structs.replace(delta, reasoning=None)

    def _ended(self, delta: Delta, reason: FinishReason) -> Delta:
        if reason in ("sensitive", "network_error"):
            return self._first_thoughts(msgspec.structs.replace(self._shown(delta), finish_reason=reason))
        problem = self._problem_of_all(reason)
        if problem is None:
            return self._whole(delta, reason)
        if self._going or self._asked >= self._goal.repairs:
            raise _unmet(self._goal.field, problem)
        self._problem = problem
        self.done = True
        shown = Delta(choice=delta.choice, reasoning=delta.reasoning, usage=delta.usage)
        return self._first_thoughts(shown)

    def _problem_of_all(self, reason: FinishReason) -> str | None:
        """What is wrong with the answer; one that began well and was cut off by a limit is what it is."""
        cut_off = reason in _CUT_OFF
        if self._fold.calls:
            if cut_off and all(call.name in self._goal.names for call in self._fold.calls.values()):
                return None
            return problem_of_calls(self._fold.calls, self._goal.names)
        if self._goal.judge is None:
            return _NO_CALL
        text = bare("".join(self._fold.content))
        if cut_off and text[:1] in ("{", "["):
            return None
        return self._goal.judge.problem(text) if text else "there was no text"

    def _whole(self, delta: Delta, reason: FinishReason) -> Delta:
        """The end of a good answer, with all of it that has not left yet."""
        end: FinishReason = reason if reason in _CUT_OFF else "tool_calls" if self._fold.calls else "stop"
        if self._going:
            calls = () if end in _CUT_OFF else self._empty_arguments()
            return msgspec.structs.replace(
                self._first_thoughts(delta), finish_reason=end, tool_calls=(*delta.tool_calls, *calls)
            )
        given = "".join(self._fold.content)
        text = given if self._fold.calls else bare(given)
        logprobs = self._fold.logprobs if text == given else None
        calls = whole_calls(self._fold.calls, first=self._next)
        whole = msgspec.structs.replace(
            delta, content=text or None, tool_calls=calls, logprobs=logprobs, finish_reason=end
        )
        return self._first_thoughts(whole)

    def _empty_arguments(self) -> tuple[ToolCallDelta, ...]:
        """Clients read an object, and some models call without any."""
        calls = self._fold.calls.items()
        return tuple(ToolCallDelta(index, arguments="{}") for index, call in calls if not any(call.arguments))


def _moved(delta: Delta, by: int) -> Delta:
    """A delta whose calls have indexes behind those that were used up."""
    if not by or not delta.tool_calls:
        return delta
    calls = tuple(msgspec.structs.replace(piece, index=piece.index + by) for piece in delta.tool_calls)
    return msgspec.structs.replace(delta, tool_calls=calls)


def _apart(delta: Delta) -> tuple[tuple[Delta, ...], Delta]:
    """What the service ran by itself goes on at once; the rest is looked at."""
    native = delta.run_there
    if not native:
        return (), delta
    rest = tuple(piece for piece in delta.tool_calls if piece.native is None)
    return (Delta(choice=delta.choice, tool_calls=native),), msgspec.structs.replace(delta, tool_calls=rest)


def _something(delta: Delta) -> tuple[Delta, ...]:
    return () if delta == Delta(choice=delta.choice) else (delta,)


def _unmet(field: str, problem: str) -> UnsupportedValue:
    """The refusal of last resort: prose would pass as success (contract row R1). Another deployment may do better."""
    error = UnsupportedValue(
        f"The model that answers did not keep to {field!r}: {problem}. Ask more plainly for it, or another model.",
        param=field,
    )
    error.remedy = "next"
    return error
