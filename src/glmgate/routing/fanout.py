"""Several choices by several calls at once, because no profile can be sure that one call makes them (contract row N1).

Their deltas come as they arrive, each with its choice's index.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self

import msgspec
from typing_extensions import override

from glmgate.errors import InvalidRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Engine, Generation
from glmgate.wire.tokenizer import TokenizerRequest

_READS_AHEAD: Final = 4  # for each choice; a reader that is slow holds its calls back
# Calls of one answer at a time. All at once, 100 choices would never fit into an engine's slots and queue (4 and 64 by
# default), and each attempt would leave no place in it for anybody else.
_AT_ONCE: Final = 16


class Fanout:
    """`engine`, asked once for each of `n` choices, and for each prompt of a text completion.

    When one call fails, the whole answer fails. `most` bounds the calls of one request, `at_once` those of them that
    run or wait in the engine's queue at one time.
    """

    def __init__(self, engine: Engine, *, most: int = 128, at_once: int = _AT_ONCE) -> None:
        self._engine = engine
        self._most = most
        self._at_once = at_once

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with the deltas of all choices. Raises InvalidRequest when `n` is out of range."""
        single = self._parts(request)
        if len(single) == 1:
            return self._engine.stream(call, single[0])
        return _Merged(self._engine, call, single, at_once=self._at_once)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """As the engine does."""
        return await self._engine.embed(call, request)

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """As the engine does."""
        return await self._engine.count(call, request)

    def _parts(self, request: Generation) -> list[Generation]:
        """The requests of one choice each; choice `i` of a prompt has the seed `seed + i`."""
        choices = 1 if request.n is None else request.n
        if not 1 <= choices <= self._most:
            raise InvalidRequest(f"'n' is {choices}, but must be between 1 and {self._most}.", param="n")
        prompts: list[Generation] = [request]
        if isinstance(request, CompletionRequest):
            prompts = _by_prompt(request, choices)
        if len(prompts) * choices > self._most:
            raise InvalidRequest(
                f"{len(prompts)} prompts with {choices} choices each are more than {self._most} answers.",
                param="prompt",
            )
        return [_choice(prompt, index) for prompt in prompts for index in range(choices)]


def _by_prompt(request: CompletionRequest, choices: int) -> list[Generation]:
    best_of = None if request.best_of == choices else request.best_of
    if isinstance(request.prompt, list) and request.prompt and all(isinstance(text, str) for text in request.prompt):
        return [msgspec.structs.replace(request, prompt=text, best_of=best_of) for text in request.prompt]
    return [msgspec.structs.replace(request, best_of=best_of)]


def _choice(request: Generation, index: int) -> Generation:
    seed = None if request.seed is None else request.seed + index
    return msgspec.structs.replace(request, n=None, seed=seed)


class _Merged(AbstractAsyncContextManager[Deltas]):
    """The calls of one answer, each in its task. Leaving cancels them and waits until all have closed."""

    __slots__ = ("_call", "_engine", "_places", "_queue", "_requests", "_running", "_tasks")

    def __init__(self, engine: Engine, call: Call, requests: list[Generation], *, at_once: int) -> None:
        self._engine = engine
        self._call = call
        self._requests = requests
        self._places = asyncio.Semaphore(at_once)
        # None: one call has come to its end. An exception: it has failed.
        self._queue: asyncio.Queue[tuple[Delta, ...] | BaseException | None] = asyncio.Queue(
            _READS_AHEAD * len(requests)
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._running = 0

    @override
    async def __aenter__(self) -> Deltas:
        self._running = len(self._requests)
        self._tasks = [asyncio.create_task(self._run(choice)) for choice in range(self._running)]
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running = 0
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """What the next read of any of the calls brought."""
        while self._running:
            arrived = await self._queue.get()
            if isinstance(arrived, BaseException):
                self._running = 0
                raise arrived
            if arrived is not None:
                return arrived
            self._running -= 1
        raise StopAsyncIteration

    async def _run(self, choice: int) -> None:
        try:
            async with self._places, self._engine.stream(self._call, self._requests[choice]) as deltas:
                async for read in deltas:
                    await self._queue.put(tuple(msgspec.structs.replace(delta, choice=choice) for delta in read))
        except Exception as exc:  # noqa: BLE001 handed on to who reads, and raised there
            await self._queue.put(exc)
        else:
            await self._queue.put(None)
