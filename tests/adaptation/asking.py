"""An answer that takes several calls of a service, without a service: what is asked, what is seen, what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from glmgate.adaptation.fit import Fitted, fit
from glmgate.adaptation.profile import Profile
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.engine import Generation
from glmgate.wire.fold import CompletedChoice, Fold


@dataclass(slots=True)
class Outcome:
    """What was sent, in its order, and what the caller saw."""

    fitted: Fitted[Generation]
    sent: list[ChatRequest] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)

    @property
    def choice(self) -> CompletedChoice:
        """The caller's answer."""
        (choice,) = self._fold.result().choices
        return choice

    @property
    def usage(self) -> Usage:
        """The tokens of all calls."""
        return self._fold.usage

    @property
    def noted(self) -> list[str]:
        """The report, with what is only known by the answer."""
        return [str(note) for note in dict.fromkeys((*self.fitted.notes, *self.fitted.undo.notes()))]

    @property
    def _fold(self) -> Fold:
        fold = Fold()
        for delta in self.deltas:
            fold.feed(delta)
        return fold


def asked(request: Generation, profile: Profile, answers: Sequence[Sequence[Delta]]) -> Outcome:
    """Run a request against a service that gives these answers, the last one again and again."""
    outcome = Outcome(fit(request, profile))
    undo = outcome.fitted.undo
    following: Generation | None = outcome.fitted.request
    while following is not None:
        assert isinstance(following, ChatRequest)
        answer = answers[min(len(outcome.sent), len(answers) - 1)]
        outcome.sent.append(following)
        assert len(outcome.sent) < 10
        for delta in answer:
            outcome.deltas.extend(undo.feed(delta))
            if undo.done:
                break
        following = undo.follow_up()
    outcome.deltas.extend(undo.close())
    return outcome


def says(*pieces: str, reasoning: str = "", finish: FinishReason = "stop") -> list[Delta]:
    """An answer in text, in these pieces; 10 tokens for the prompt, 1 for each piece."""
    deltas = [Delta(reasoning=reasoning)] if reasoning else []
    deltas += [Delta(content=piece, usage=Usage(10, place)) for place, piece in enumerate(pieces, start=1)]
    return [*deltas, Delta(finish_reason=finish, usage=Usage(10, len(pieces)))]


def calls(*named: tuple[str, str], size: int = 3, finish: FinishReason = "tool_calls") -> list[Delta]:
    """An answer that calls functions, their arguments in pieces; 10 tokens for the prompt, 5 for the answer."""
    deltas = []
    for index, (name, arguments) in enumerate(named):
        deltas.append(Delta(tool_calls=(ToolCallDelta(index, f"c{index}", name),)))
        deltas += [
            Delta(tool_calls=(ToolCallDelta(index, arguments=arguments[start : start + size]),))
            for start in range(0, len(arguments), size)
        ]
    return [*deltas, Delta(finish_reason=finish, usage=Usage(10, 5))]


def whole(deltas: Sequence[Delta]) -> list[Delta]:
    """The same answer in one delta, as it comes when it is not streamed."""
    fold = Fold()
    for delta in deltas:
        fold.feed(delta)
    (choice,) = fold.result().choices
    pieces = tuple(ToolCallDelta(index, call.id, call.name, call.arguments) for index, call in enumerate(choice.calls))
    return [
        Delta(
            content=choice.content or None,
            reasoning=choice.reasoning,
            tool_calls=pieces,
            finish_reason=choice.finish_reason,
            usage=fold.usage,
        )
    ]
