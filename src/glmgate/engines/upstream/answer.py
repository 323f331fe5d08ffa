"""One answer of an upstream, chunk by chunk: its deltas, its ends, its usage, and what is a failure (contract R3, S4).

Where the chunks come from, a stream or a whole body, is decided in `chunks` and `whole`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import msgspec

from glmgate.adaptation.profile import Profile
from glmgate.engines.call_ids import call_id
from glmgate.engines.upstream import failures
from glmgate.engines.upstream.choices import ChoiceReader
from glmgate.engines.upstream.quoting import quoted
from glmgate.engines.upstream.reported import of_document
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.shapes import Choice, Chunk, Tokens
from glmgate.errors import AnswerTruncated, ContextLengthExceeded, EngineFailed
from glmgate.wire.delta import Delta, FinishReason, Usage

# Words for how an answer ended that mean the same everywhere; a profile adds its own.
_FINISH: Final[Mapping[str, FinishReason]] = MappingProxyType(
    {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "function_call": "function_call",
        "content_filter": "sensitive",
        "sensitive": "sensitive",
        "network_error": "network_error",
        "model_context_window_exceeded": "model_context_window_exceeded",
    }
)
_BESIDE: Final = ("web_search", "content_filter", "video_result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What has to be known to read an answer.

    `may_be_empty`: an answer that ends at once without a word can be meant (a stop string, a text completion).
    `is_judged`: a call or a form was asked for, and whoever asked looks at the answer: nothing but thoughts is one that
    asking in another way may better, and not the same question again (facts 2).
    `now` gives Unix time, and `secret` is our credential there, which no message may show.
    """

    profile: Profile
    may_be_empty: bool = False
    is_judged: bool = False
    now: Callable[[], float] = lambda: 0.0
    secret: Secret | None = None
    new_id: Callable[[], str] = call_id

    @property
    def words(self) -> dict[str, FinishReason]:
        """What the upstream's words for an end mean."""
        return {**_FINISH, **self.profile.finish}


class Answer:
    """The chunks of one answer, folded into deltas and ends."""

    __slots__ = ("_beside", "_choices", "_reading", "_said", "_teller", "_usage", "ended")

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._choices: dict[int, ChoiceReader] = {}
        self._beside: dict[str, Any] = {}
        self._usage: Usage | None = None
        self._teller: int | None = None  # the choice that usage stands with: one, or it would count twice
        self._said = False
        self.ended = False

    @property
    def has_finished(self) -> bool:
        """Whether every choice that has begun has come to its end. Usage and errors may still follow."""
        return self.ended or (bool(self._choices) and all(choice.finish for choice in self._choices.values()))

    def feed(self, chunk: Chunk) -> list[Delta]:
        """The deltas of a chunk. Raises what its error means."""
        if chunk.error or not chunk.choices:
            self._check(chunk)
        if chunk.has_beside:
            self._beside |= {name: value for name in _BESIDE if (value := getattr(chunk, name))}
        deltas: list[Delta] = []
        for place, choice in enumerate(chunk.choices or ()):
            delta = self._reader(place, choice).feed(choice)
            if delta is not None:
                deltas.append(self._with_beside(delta))
        if (tokens := chunk.tokens) is not None:
            self._account(tokens, deltas)
        return deltas

    def _reader(self, place: int, choice: Choice) -> ChoiceReader:
        """The reader of a choice: by its index, or by its place where it has none."""
        index = place if choice.index is None else choice.index
        reader = self._choices.get(index)
        if reader is None:
            reader = self._choices[index] = ChoiceReader(index, self._reading.new_id)
        return reader

    def count_as_said(self) -> None:
        """Deltas have left: from now on nothing can be asked again in secret."""
        self._said = True

    def end_unnamed(self) -> None:
        """What has no reason for its end has ended all the same: a whole body is whole."""
        for choice in self._choices.values():
            choice.finish = choice.finish or "stop"

    def close(self) -> list[Delta]:
        """The ends of all choices, once. Raises EngineFailed when one has none, or one that is a failure."""
        if self.ended:
            return []
        if not self.has_finished:
            raise AnswerTruncated("The answer broke off before its end. Try again.")
        ends = [self._end(self._choices[index]) for index in sorted(self._choices)]
        teller = min(self._choices) if self._teller is None else self._teller
        ends = [msgspec.structs.replace(end, usage=self._usage) if end.choice == teller else end for end in ends]
        ends[0] = self._with_beside(ends[0])
        self.ended = True
        return ends

    def _account(self, tokens: Tokens, deltas: list[Delta]) -> None:
        """Of all usages the last counts. It is of all choices together, so it stands with one of them."""
        if tokens.prompt_tokens is None and tokens.completion_tokens is None:
            return
        self._usage = tokens.usage
        if self._teller is None:
            self._teller = min(self._choices, default=None)
        for place, delta in enumerate(deltas):
            if delta.choice == self._teller:
                # Told early as well, so that a stream that is left has been counted up to here.
                deltas[place] = msgspec.structs.replace(delta, usage=self._usage)
                break

    def _end(self, choice: ChoiceReader) -> Delta:
        try:
            end = choice.close(self._reading.words)
        except KeyError as exc:
            word = quoted(str(choice.finish))
            raise EngineFailed(f"The answer ended for a reason that is not known: {word!r}. Try again.") from exc
        except ValueError as exc:
            raise EngineFailed("The model called a function without its name. Try again.") from exc
        if end.finish_reason == "network_error":
            raise EngineFailed("The connection to the model broke off before the answer's end. Try again.")
        if not self._said and not choice.has_answer and not (choice.has_thought and self._reading.is_judged):
            self._check_empty(end)
        return end

    def _check_empty(self, end: Delta) -> None:
        """An end with nothing before it that a caller could use, and nothing has left yet (contract rows R3, S4)."""
        if end.finish_reason == "model_context_window_exceeded":
            raise ContextLengthExceeded("The messages leave no room for an answer. Shorten them.", param="messages")
        if end.finish_reason == "stop" and not self._reading.may_be_empty:
            raise EngineFailed("The model ended its answer without having said anything. Try again.")

    def _check(self, chunk: Chunk) -> None:
        """Raise what a document means that is no piece of an answer."""
        reported = of_document(msgspec.to_builtins(chunk))
        if reported is not None:
            reading = self._reading
            raise failures.within(reading.profile, reported, now=reading.now(), secret=reading.secret)

    def _with_beside(self, delta: Delta) -> Delta:
        if not self._beside:
            return delta
        beside, self._beside = self._beside, {}
        return msgspec.structs.replace(delta, extra=beside)
