"""The emulation that looks at an answer's beginning and, where it is not as asked for, asks again under constraint.

What counts as asked for, and what the second call is, say the pieces built on it (`forced`, `formed`).
"""

from __future__ import annotations

from typing import Any

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Piece
from glmgate.adaptation.constraint import constrained
from glmgate.adaptation.profile import Profile
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, Usage


class SecondCall(Piece):
    """The first call runs as the model likes: reasoning and calls pass, text is looked at before it goes on.

    When text begins, or the answer ends without a call, the stream is left and the second call is made. The tokens of
    both are summed.
    """

    __slots__ = ("_called", "_names", "_profile", "_second", "_spent", "_wanted")

    def __init__(self, names: tuple[str, ...], profile: Profile) -> None:
        super().__init__()
        self._names = names
        self._profile = profile
        self._called = False
        self._wanted = False
        self._second = False
        self._spent = Usage()

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        if self._second:
            usage = self._spent + delta.usage if delta.usage else None
            after = self.second(delta if usage is None else msgspec.structs.replace(delta, usage=usage))
        else:
            self._spent = delta.usage or self._spent
            after = self._first(delta)
        return () if after == Delta(choice=after.choice) else (after,)

    @override
    def follow_up(self, request: ChatRequest) -> ChatRequest | None:
        if not self._wanted or self._second:
            return None
        self._second = True
        self.done = False
        left = None if request.max_tokens is None else max(1, request.max_tokens - self._spent.completion)
        return self.second_request(msgspec.structs.replace(request, max_tokens=left))

    def second(self, delta: Delta) -> Delta:
        """What the caller sees of a delta of the second call."""
        return delta

    def second_request(self, request: ChatRequest) -> ChatRequest:
        """The second call, from the first as it was sent."""
        raise NotImplementedError

    def constrained(self, request: ChatRequest, schema: dict[str, Any]) -> ChatRequest:
        """`request` constrained to `schema`. The tools stay in the prompt, so what is cached of it holds."""
        fitted = msgspec.structs.replace(request, tool_choice="none", parallel_tool_calls=None)
        return constrained(fitted, schema, self._profile).request

    def _first(self, delta: Delta) -> Delta:
        if self._wanted:
            return Delta(choice=delta.choice, usage=delta.usage)
        self._called = self._called or self._calls(delta)
        if self._called:
            ended = "tool_calls" if delta.finish_reason == "stop" else delta.finish_reason
            return msgspec.structs.replace(delta, finish_reason=ended)
        return self._uncalled(delta)

    def _uncalled(self, delta: Delta) -> Delta:
        """Before any call: thoughts go on, text is not shown, and its log probabilities neither."""
        text = (delta.content or "").strip()
        self._wanted = self.done = bool(text or delta.tool_calls) or delta.finish_reason in ("stop", "tool_calls")
        reason = None if self._wanted else delta.finish_reason
        logprobs = delta.logprobs if delta.reasoning and not delta.content else None
        return msgspec.structs.replace(delta, content=None, tool_calls=(), finish_reason=reason, logprobs=logprobs)

    def _calls(self, delta: Delta) -> bool:
        """Whether one of our functions is called here; a call of anything else counts as text."""
        named = [piece.name for piece in delta.tool_calls if piece.name is not None]
        return bool(delta.tool_calls) and all(name in self._names for name in named)
