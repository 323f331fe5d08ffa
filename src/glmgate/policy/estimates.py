"""What an attempt costs in tokens where its service did not say, and what it may cost before it is made.

By the tokenizer of a model of the family where there is one, else by the bytes that a token of that model has had:
learned from what its services told, bounded, and a usual value at first. Pure; who calls says what was seen.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from glmgate.policy.attempts import Basis, Said, Verdict
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Generation

_USUAL_BYTES: Final = 4.0  # of English text and of JSON in UTF-8; of Chinese about as many
_FEWEST_BYTES: Final = 0.25  # a model whose thoughts are hidden says little for its tokens
_MOST_BYTES: Final = 16.0
_USUAL_WEIGHT: Final = 200.0  # the tokens that the usual value stands for against what is learned
_DECAY: Final = 0.98  # for each row: about the last fifty count
_FIRST_ANSWER: Final = 1024
_FEW: Final = 20  # rows before which a percentile says nothing
_RECENT: Final = 256
_PERCENTILE: Final = 0.95
_MODELS: Final = 1000  # names of models can be the callers' own
_MOST_TOKENS: Final = 10**9  # what says more is wrong, and would not fit into a database's numbers


class Tokenizer(Protocol):
    """Counts tokens as the models of a family do."""

    def knows(self, model: str) -> bool:
        """Whether a tokenizer of that model's family is at hand now, so that texts are worth to be held. Quick."""
        ...

    async def answer(self, model: str, text: str) -> int | None:
        """The tokens of what was answered; None where nobody counts them any more."""
        ...

    async def prompt(self, model: str, request: Generation) -> int | None:
        """The tokens that are read for one answer to the request; None where nobody counts them."""
        ...


class NullTokenizer:
    """Knows no model."""

    def knows(self, model: str) -> bool:  # noqa: ARG002 -- the Protocol's
        """None."""
        return False

    async def answer(self, model: str, text: str) -> int | None:
        """Count nothing."""

    async def prompt(self, model: str, request: Generation) -> int | None:
        """Count nothing."""


class Counted(NamedTuple):
    """What a tokenizer has counted of an attempt; None: the ratio has to do."""

    prompt: int | None = None
    answer: int | None = None


@dataclass(slots=True)
class _Ratio:
    """Bytes for each token: sums that decay."""

    size: float = _USUAL_BYTES * _USUAL_WEIGHT
    tokens: float = _USUAL_WEIGHT

    def learn(self, size: int, tokens: int) -> None:
        self.size = self.size * _DECAY + size
        self.tokens = self.tokens * _DECAY + tokens

    @property
    def value(self) -> float:
        return min(_MOST_BYTES, max(_FEWEST_BYTES, self.size / self.tokens))


@dataclass(slots=True)
class _Answers:
    """How long the last answers were, in the order they came and in the order of their size."""

    recent: deque[int] = field(default_factory=deque)
    by_size: list[int] = field(default_factory=list)

    def learn(self, tokens: int) -> None:
        self.recent.append(tokens)
        insort(self.by_size, tokens)
        if len(self.recent) > _RECENT:
            del self.by_size[bisect_left(self.by_size, self.recent.popleft())]

    @property
    def usual_most(self) -> int:
        if not self.by_size:
            return _FIRST_ANSWER
        if len(self.by_size) < _FEW:
            return max(_FIRST_ANSWER, self.by_size[-1])
        return max(1, self.by_size[int(_PERCENTILE * (len(self.by_size) - 1))])


@dataclass(slots=True)
class _Learned:
    """What is known of one model at one upstream."""

    prompts: _Ratio = field(default_factory=_Ratio)
    answers: _Ratio = field(default_factory=_Ratio)
    lengths: _Answers = field(default_factory=_Answers)


class Countable(NamedTuple):
    """What of an attempt a tokenizer can still tell."""

    prompt: bool
    answer: bool


NOTHING_COUNTED: Final = Counted()
NULL_TOKENIZER: Final = NullTokenizer()
_NOTHING: Final = _Learned()
_SILENCE: Final = Said()


class Estimator:
    """Estimates, and what they are learned from. One for a process; what it learned can be learned anew from rows."""

    def __init__(self) -> None:
        self._learned: OrderedDict[tuple[str, str], _Learned] = OrderedDict()

    def upper(self, upstream: str, model: str, prompt_bytes: int, max_tokens: int | None) -> Usage:
        """What is reserved for an answer: the prompt by the learned ratio, and `max_tokens`.

        Where that is None, as much as all but a twentieth of the model's last answers had; 1,024 at first.
        """
        known = self._known(upstream, model)
        answer = known.lengths.usual_most if max_tokens is None else max_tokens
        return Usage(_tokens(prompt_bytes, known.prompts), min(max(0, answer), _MOST_TOKENS))

    def usage(
        self,
        upstream: str,
        model: str,
        prompt_bytes: int,
        verdict: Verdict,
        *,
        counted: Counted = NOTHING_COUNTED,
        most: int | None = None,
    ) -> tuple[Usage, bool]:
        """What an attempt has used, and whether some of it is estimated.

        `counted` is what a tokenizer says of what is `countable`. `most` is how many tokens the request allowed: no
        estimate is over it.
        """
        told = None if verdict.told is None else sane(verdict.told)
        if verdict.basis is Basis.NOTHING:
            return told or Usage(), False
        known = self._known(upstream, model)
        base = told or Usage()
        untold = _unbilled(base, verdict)
        prompt = base.prompt or counted.prompt or _tokens(prompt_bytes, known.prompts)
        more = _answered(verdict, counted) or _tokens(untold.answer, known.answers)
        if most is not None:
            more = min(more, max(0, most - base.completion))
        # Thoughts are a part of the answer, in tokens as in bytes.
        thought = more * untold.thoughts // max(1, untold.answer)
        usage = sane(Usage(prompt, base.completion + more, base.cached, base.reasoning + thought))
        return usage, usage != base or told is None

    def learn(self, upstream: str, model: str, *, prompt_bytes: int, answer_bytes: int, told: Usage) -> None:
        """Take what a service told of an answer that was heard to its end."""
        learned = self._learned.setdefault((upstream, model), _Learned())
        self._learned.move_to_end((upstream, model))
        if len(self._learned) > _MODELS:
            self._learned.popitem(last=False)
        told = sane(told)
        if told.prompt and prompt_bytes:
            learned.prompts.learn(prompt_bytes, told.prompt)
        if told.completion:
            learned.lengths.learn(told.completion)
            if answer_bytes:
                learned.answers.learn(answer_bytes, told.completion)

    def _known(self, upstream: str, model: str) -> _Learned:
        return self._learned.get((upstream, model), _NOTHING)


def _answered(verdict: Verdict, counted: Counted) -> int | None:
    """The tokens of the answer as counted, where they are what is missing."""
    return counted.answer if countable(verdict).answer else None


def countable(verdict: Verdict) -> Countable:
    """What nobody told of an attempt that is billed; of an answer only all of it, since text has no places."""
    if verdict.basis is Basis.NOTHING:
        return Countable(prompt=False, answer=False)
    base = Usage() if verdict.told is None else sane(verdict.told)
    untold = _unbilled(base, verdict)
    return Countable(prompt=not base.prompt, answer=untold.answer > 0 and untold == verdict.said)


def at_most(prompt_bytes: int, max_tokens: int) -> Usage:
    """What an answer cannot exceed, whatever the tokenizer: no token has less than a byte."""
    return Usage(prompt_bytes, max_tokens)


def sane(usage: Usage) -> Usage:
    """`usage` as far as it can be: nothing below zero, and no part larger than its whole."""
    if 0 <= usage.cached <= usage.prompt <= _MOST_TOKENS and 0 <= usage.reasoning <= usage.completion <= _MOST_TOKENS:
        return usage
    prompt = min(max(0, usage.prompt), _MOST_TOKENS)
    completion = min(max(0, usage.completion), _MOST_TOKENS)
    return Usage(prompt, completion, min(max(0, usage.cached), prompt), min(max(0, usage.reasoning), completion))


def _unbilled(base: Usage, verdict: Verdict) -> Said:
    """What was said that no word of the service stands for."""
    if not base.completion:
        return verdict.said
    return verdict.untold if verdict.basis is Basis.SEEN else _SILENCE


def _tokens(size: int, ratio: _Ratio) -> int:
    """The tokens of so many bytes, rounded up: what says something has at least one."""
    return min(-int(-size // ratio.value), _MOST_TOKENS) if size > 0 else 0
