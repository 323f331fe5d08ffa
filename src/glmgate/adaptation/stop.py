"""Rule: stop strings. We look for them in the visible text only, because the engine would stop inside reasoning too.

Services that stop by themselves are sent as many as they take, which spares what would be said in vain.

How a string is found across pieces of text lives in `scanner`.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.held_logprobs import HeldLogprobs
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.scanner import Scanner
from glmgate.errors import InvalidRequest
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Note

G = TypeVar("G", ChatRequest, CompletionRequest)


def stop(request: G, profile: Profile) -> Change[G]:
    """A string or a list of them, enforced by us whether the service gets them too or not (contract row N6)."""
    if request.stop is None:
        return Change(request)
    stops = [request.stop] if isinstance(request.stop, str) else request.stop
    if len(stops) > profile.stops.most:
        raise InvalidRequest(
            f"'stop' has {len(stops)} strings, at most {profile.stops.most} are accepted.", param="stop"
        )
    for text in stops:
        if not text:
            raise InvalidRequest("'stop' has an empty string, which would end every answer at once.", param="stop")
        if len(text) > profile.stops.longest:
            raise InvalidRequest(
                f"'stop' has a string of {len(text)} characters, at most {profile.stops.longest} are accepted.",
                param="stop",
            )
    fitted = msgspec.structs.replace(request, stop=stops[: profile.stops.send] or None)
    if not stops:
        return Change(fitted)
    notes = (Note("stop", "emulated"),) if len(stops) > profile.stops.send else ()
    return Change(fitted, notes=notes, undo=Stop(stops))


class Stop(Piece):
    """Ends the answer before the first stop string in its visible text. What the service has run was said before."""

    __slots__ = ("_logprobs", "_scanner")

    def __init__(self, stops: list[str]) -> None:
        super().__init__()
        self._scanner = Scanner(stops)
        self._logprobs = HeldLogprobs()

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        if self.done:
            return (Delta(choice=delta.choice, usage=delta.usage),) if delta.usage else ()
        if delta.logprobs:
            self._logprobs.hold(delta.content or "", delta.logprobs)
        text = self._scanner.feed(delta.content) if delta.content else ""
        if self._scanner.found:
            self.done = True
            return (self._seen(delta, text, finish_reason="stop", tool_calls=delta.run_there),)
        if delta.tool_calls or delta.finish_reason:
            text += self._scanner.flush()
        after = self._seen(delta, text)
        return (after,) if after != Delta(choice=delta.choice) else ()

    @override
    def close(self) -> tuple[Delta, ...]:
        text = "" if self.done else self._scanner.flush()
        return (Delta(content=text, logprobs=self._logprobs.release(len(text))),) if text else ()

    def _seen(self, delta: Delta, text: str, **changes: object) -> Delta:
        logprobs = self._logprobs.release(len(text))
        return msgspec.structs.replace(delta, content=text or None, logprobs=logprobs, **changes)
