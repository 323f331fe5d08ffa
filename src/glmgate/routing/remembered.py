"""An engine that gets back what it thought: clients made for other models drop it from the conversation (row N14).

Under which keys is decided in `policy.reasoning`; a store that fails never fails a request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self

from typing_extensions import override

from glmgate.errors import GlmgateError
from glmgate.policy.reasoning import History, ReasoningStore, Scope
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, FinishReason
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Engine, Generation, Note
from glmgate.wire.fold import Fold
from glmgate.wire.tokenizer import TokenizerRequest

_log = logging.getLogger(__name__)

_FIND_WITHIN_S: Final = 0.5  # a database that is slower than this is broken; a request has better things to do
_SAID: Final[frozenset[FinishReason]] = frozenset({"stop", "length", "tool_calls", "function_call"})


class Remembered:
    """`engine`, with the thoughts of `store` put back into each conversation, and its own kept there.

    Thoughts are shared within a project and a `family` of models only. A call whose `remember` is False neither reads
    nor writes.
    """

    def __init__(
        self, engine: Engine, store: ReasoningStore, *, family: str, find_within_s: float = _FIND_WITHIN_S
    ) -> None:
        self._engine = engine
        self._store = store
        self._family = family
        self._within_s = find_within_s

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with deltas, unmodified."""
        if call.remember is False or not isinstance(request, ChatRequest):
            return self._engine.stream(call, request)
        return _Stream(self, call, request)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """As the engine does."""
        return await self._engine.embed(call, request)

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """As the engine does."""
        return await self._engine.count(call, request)

    def history(self, call: Call, request: ChatRequest) -> History:
        """The conversation as the keys of its thoughts."""
        caller = call.caller
        return History(Scope(caller.organisation, caller.project, self._family), request.messages)

    async def restored(self, call: Call, request: ChatRequest, history: History) -> ChatRequest:
        """`request` with what the model thought before, as far as it is found in time."""
        if not history.wanted:
            return request
        try:
            async with asyncio.timeout(self._within_s):
                found = await self._find(call.caller.project, history)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with a store, it fails no request
            _log.warning("reasoning of request %s could not be looked up: %s", call.request_id, _reason(error))
            return request
        restored, count = history.restored(request, found)
        if count:
            call.note(Note("messages.reasoning_content", f"restored:{count}"))
        return restored

    async def keep(self, call: Call, history: History, fold: Fold) -> None:
        """Keep what the model thought before each choice that came to its end."""
        ended = [choice for choice in fold.result().choices if choice.finish_reason in _SAID]
        thoughts = [thought for choice in ended for thought in history.thoughts(choice)]
        if not thoughts:
            return
        try:
            await self._store.keep(call.caller.project, thoughts)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with a store, it fails no request
            _log.warning("reasoning of request %s could not be kept: %s", call.request_id, _reason(error))

    def inner(self, call: Call, request: ChatRequest) -> AbstractAsyncContextManager[Deltas]:
        """The engine's own answer."""
        return self._engine.stream(call, request)

    async def _find(self, project: str, history: History) -> Mapping[str, str]:
        found = await self._store.find(project, history.keys())
        more = history.more_keys(found)
        return {**found, **await self._store.find(project, more)} if more else found


class _Stream(AbstractAsyncContextManager[Deltas]):
    """One answer, folded while it goes by. Leaving it before its end keeps nothing."""

    __slots__ = ("_call", "_fold", "_history", "_inner", "_open", "_owner", "_request")

    def __init__(self, owner: Remembered, call: Call, request: ChatRequest) -> None:
        self._owner = owner
        self._call = call
        self._request = request
        self._fold: Fold | None = Fold()
        self._history: History | None = None
        self._inner: Deltas | None = None
        self._open: AbstractAsyncContextManager[Deltas] | None = None

    @override
    async def __aenter__(self) -> Deltas:
        self._history = self._owner.history(self._call, self._request)
        restored = await self._owner.restored(self._call, self._request, self._history)
        opened = self._owner.inner(self._call, restored)
        self._inner = await opened.__aenter__()
        self._open = opened
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened, self._open, self._inner = self._open, None, None
        if opened is not None:
            await opened.__aexit__(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """The next read's deltas. What was thought is kept before the end is told, so that a quick client finds it."""
        if self._inner is None:
            raise StopAsyncIteration
        try:
            deltas = await anext(self._inner)
        except StopAsyncIteration:
            await self._keep()
            raise
        if self._fold is not None:
            for delta in deltas:
                self._fold.feed(delta)
        return deltas

    async def _keep(self) -> None:
        fold, self._fold = self._fold, None
        if fold is not None and self._history is not None:
            await self._owner.keep(self._call, self._history, fold)


def _reason(error: Exception) -> str:
    """For the log; never the words of an error that is not ours, which may hold a caller's text."""
    return error.message if isinstance(error, GlmgateError) else type(error).__name__
