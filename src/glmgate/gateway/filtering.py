"""Filters around a request: its texts before anything else sees them, and the answer's before the client does.

What filters look for is decided in `policy.filters`; here they are applied, hooks are asked, and what they did is
counted. No text of a request or an answer is ever part of a log line, a note or an error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import msgspec

from glmgate.errors import GlmgateError, Unavailable
from glmgate.gateway.judging import Judged
from glmgate.policy.filters import requests
from glmgate.policy.filters.answers import AnswerFilter
from glmgate.policy.filters.chain import Chain, Filter, HookFilter, UnknownFilter, chain, names
from glmgate.policy.filters.places import R, Request, characters
from glmgate.policy.filters.scan import Counts
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Call, Deltas, FilterAction, FilterUse, Generation, Note
from glmgate.wire.moderation import Direction, Judgement, Passage

WORD_CHECK: Final = "sensitive_word_check"
# Beyond it the others would notice: 20 microseconds for a thousand characters and filter, and some for each text.
_AT_ONCE: Final = 100_000
_PER_TEXT: Final = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters that there are, the names of those for all, and of the one that GLM's word check stands for."""

    known: Mapping[str, Filter] = field(default_factory=dict)
    default: tuple[str, ...] = ()
    word_check: str = ""

    def of(self, call: Call, request: Request) -> Filtering:
        """What this request and its answer go through. Raises UnknownFilter."""
        wanted = names(self.default, call.caller.scopes)
        if self.word_check and _wants_word_check(request):
            # An administrator's filters cannot be switched off, so ENABLE adds and DISABLE takes nothing away.
            wanted = tuple(dict.fromkeys([*wanted, self.word_check]))
            call.obeyed |= {WORD_CHECK}
            call.note(Note(WORD_CHECK, "emulated"))
        if not wanted:
            return NOTHING
        try:
            return Filtering(chain(self.known, wanted, "input"), chain(self.known, wanted, "output"))
        except UnknownFilter as error:
            call.filtered[FilterUse("unknown", "input", "missing")] = 1
            _log.error("%s", error.message)
            raise


@dataclass(frozen=True, slots=True)
class Filtering:
    """The filters of one request."""

    before: Chain = field(default_factory=Chain)
    after: Chain = field(default_factory=Chain)

    async def request(self, call: Call, request: R) -> R:
        """The request as it may go on. Raises ContentFiltered; Unavailable where a hook that is needed is away."""
        if self.before.inline:
            request = await self._inline(call, request)
        for hook in self.before.hooks:
            passages = requests.passages(request)
            judgement = await ask(call, hook, "input", passages)
            if judgement is not None and judgement.flagged:
                _did(call, hook.name, "input", "refuse")
                raise requests.refusal(hook.name, None, judgement.categories)
        if self.after and isinstance(request, ChatRequest | CompletionRequest) and request.logprobs:
            call.note(Note("logprobs", "omitted", exact=False))
            return _without_logprobs(request)
        return request

    def answer(self, call: Call, request: Generation, deltas: Deltas) -> Deltas:
        """The deltas as the client may see them."""
        return FilteredDeltas(call, self.after, deltas, choices=_choices(request)) if self.after else deltas

    async def _inline(self, call: Call, request: R) -> R:
        counts = Counts()
        work = sum(length + _PER_TEXT for length in characters(request)) * len(self.before.inline)
        try:
            if work > _AT_ONCE:
                done = await asyncio.to_thread(requests.filtered, request, self.before.inline, counts)
            else:
                done = requests.filtered(request, self.before.inline, counts)
        finally:
            _tell(call, self.before, counts, "input")
        for note in done.notes:
            call.note(note)
        return done.request


NOTHING: Final = Filtering()
NO_FILTERS: Final = Filters()


class FilteredDeltas:
    """Deltas that go through filters. Leaving it leaves nothing open: what is inside belongs to whoever opened it."""

    __slots__ = ("_call", "_chain", "_choices", "_counts", "_hooks", "_inline", "_inner", "_over")

    def __init__(self, call: Call, filters: Chain, inner: Deltas, *, choices: int) -> None:
        self._call = call
        self._chain = filters
        self._inner = inner
        self._choices = choices
        self._counts = Counts()
        self._inline = AnswerFilter(filters.inline, self._counts)
        self._hooks = [Judged(hook, self._asked) for hook in filters.hooks]
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """The next deltas that the client may see. The answer is over when every choice was refused."""
        while not self._over:
            read = await anext(self._inner, None)
            out = await self._through(read or (), over=read is None)
            self._over = read is None or len(self._refused()) >= self._choices
            if self._over:
                self._note()
            if out:
                return out
        raise StopAsyncIteration

    async def _through(self, deltas: tuple[Delta, ...], *, over: bool) -> tuple[Delta, ...]:
        out = tuple(after for delta in deltas for after in self._inline.feed(delta))
        if over:
            out += self._inline.close()
        _tell(self._call, self._chain, self._counts, "output")
        for hook in self._hooks:
            out = await hook.feed(out, over=over)
        return out

    async def _asked(self, hook: HookFilter, passages: tuple[Passage, ...]) -> bool:
        judgement = await ask(self._call, hook, "output", passages)
        flagged = judgement is not None and judgement.flagged
        if flagged:
            _did(self._call, hook.name, "output", "refuse")
        return flagged

    def _refused(self) -> set[int]:
        return set(self._inline.refused).union(*(hook.refused for hook in self._hooks))

    def _note(self) -> None:
        masks = {each.name for each in self._chain.inline if each.action == "mask"}
        if times := sum(found for name, found in self._counts.found.items() if name in masks):
            self._call.note(Note("answer", f"masked:{times}", exact=False))


async def ask(call: Call, hook: HookFilter, direction: Direction, passages: tuple[Passage, ...]) -> Judgement | None:
    """What a hook says; None where it cannot be asked and texts then pass. Raises Unavailable where they do not."""
    if not passages:
        return None
    try:
        async with asyncio.timeout(hook.timeout_s):
            return await hook.hook.judge(call, direction, passages)
    except (TimeoutError, GlmgateError) as error:
        _did(call, hook.name, direction, "failed_open" if hook.is_open else "failed_closed")
        _log.warning("the filter %r could not be asked: %s", hook.name, type(error).__name__)
        if hook.is_open:
            return None
        raise Unavailable(
            f"The filter {hook.name!r} could not be asked, and nothing passes without it. Try again later."
        ) from error


def _choices(request: Generation) -> int:
    """How many the answer has: of a text completion so many for each of its prompts."""
    prompt = request.prompt if isinstance(request, CompletionRequest) else None
    return (request.n or 1) * (len(prompt) if isinstance(prompt, list) else 1)


def _wants_word_check(request: Request) -> bool:
    """Whether the request switches GLM's check of words on (contract 3.1)."""
    wish = request.unknown.get(WORD_CHECK)
    return isinstance(wish, dict) and str(wish.get("status", "")).upper() == "ENABLE"


def _without_logprobs(request: R) -> R:
    """They would spell out what is masked."""
    changes: dict[str, Any] = {"logprobs": None}
    if isinstance(request, ChatRequest):
        changes["top_logprobs"] = None
    return msgspec.structs.replace(request, **changes)


def _tell(call: Call, filters: Chain, counts: Counts, direction: Direction) -> None:
    for each in filters.inline:
        if times := counts.found.get(each.name):
            call.filtered[FilterUse(each.name, direction, each.action)] = times


def _did(call: Call, name: str, direction: Direction, action: FilterAction) -> None:
    use = FilterUse(name, direction, action)
    call.filtered[use] = call.filtered.get(use, 0) + 1
