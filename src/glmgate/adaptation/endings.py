"""Rule: how an answer ended. Ends that would pass as success in silence are failures (contract row R3).

A service's own words for it have become ours before.
"""

from __future__ import annotations

from typing import TypeVar

from typing_extensions import override

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.profile import Profile
from glmgate.errors import ContextLengthExceeded, EngineFailed
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta

G = TypeVar("G", ChatRequest, CompletionRequest)


def endings(request: G, profile: Profile) -> Change[G]:
    """A full context window before anything was said is a prompt that is too long; a broken network is a failure."""
    return Change(request, undo=Endings())


def silence(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """A stop without a word or a call is no answer, whatever was thought before it (contract row S4).

    Unless the service was given stop strings: then it may have begun with one.
    """
    if profile.tools.enforced_by == "constraint" or request.stop:
        return Change(request)
    return Change(request, undo=Silence())


class Silence(Piece):
    """Raises for an answer that stops and has said nothing."""

    __slots__ = ("_spoke",)

    def __init__(self) -> None:
        super().__init__()
        self._spoke = False

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        self._spoke = self._spoke or bool(delta.content or delta.tool_calls)
        if delta.finish_reason == "stop" and not self._spoke:
            raise EngineFailed("The model ended its answer without having said anything. Send the request again.")
        return (delta,)


class Endings(Piece):
    """Raises for ends that are none."""

    __slots__ = ("_spoke",)

    def __init__(self) -> None:
        super().__init__()
        self._spoke = False

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        self._spoke = self._spoke or bool(delta.content or delta.tool_calls)
        if delta.finish_reason == "network_error":
            raise EngineFailed("The model's service lost the answer on its way (network_error). Send it again.")
        if delta.finish_reason == "model_context_window_exceeded" and not self._spoke:
            raise ContextLengthExceeded(
                "The model's context window was full before it said anything. Send less.", param="messages"
            )
        return (delta,)
