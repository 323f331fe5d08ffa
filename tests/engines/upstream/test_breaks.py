"""Each way in which an answer can break, before anything was said and after it: never a silent success (facts 3)."""

from __future__ import annotations

import pytest

from glmgate import errors
from glmgate.errors import GlmgateError
from glmgate.transport.interfaces import Timeouts
from glmgate.wire.delta import Delta
from tests.engines.upstream.asking import CALL, chat, deltas, engine
from tests.services import BREAKS, KINDS, Answer, Break, BreakKind, Service, ServiceName, service

QUICK = Timeouts(connect_s=5.0, first_s=0.5, idle_s=0.5, total_s=3.0)
# What another try at the same place would not better.
_NEXT: dict[BreakKind, str] = {"html": "next", "stall": "next"}
_SAYS = 4


async def broken(there: Service, name: ServiceName, *, stream: bool) -> tuple[list[Delta], GlmgateError | None]:
    """What was read before an answer broke, and how it broke."""
    seen: list[Delta] = []
    there.answer_with(Answer("one two three four five six", reasoning=""))
    async with engine(there.base_url, profile=name, model=KINDS[name].models[0], timeouts=QUICK) as asked:
        try:
            async with asked.stream(CALL, chat(stream=stream)) as reads:
                async for read in reads:
                    seen += read
        except GlmgateError as exc:
            return seen, exc
    return seen, None


@pytest.mark.parametrize("kind", BREAKS)
@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_before_anything_was_said(name: ServiceName, kind: BreakKind) -> None:
    """No delta leaves, and routing is told what to do."""
    async with service(name) as there:
        there.break_stream(kind)
        seen, error = await broken(there, name, stream=True)
    assert not any(delta.says_something for delta in seen)
    assert error is not None
    assert error.remedy == _NEXT.get(kind, "retry")


@pytest.mark.parametrize("kind", [kind for kind in BREAKS if kind not in ("before_headers", "html", "empty_stop")])
@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_after_something_was_said(name: ServiceName, kind: BreakKind) -> None:
    """What came before is there, in its order, and an error follows."""
    async with service(name) as there:
        there.break_stream(Break(kind, after=_SAYS, pause_s=0.05))
        seen, error = await broken(there, name, stream=True)
    said = "".join(delta.content or "" for delta in seen)
    assert "one two three four five six".startswith(said)
    assert error is not None
    assert not any(delta.finish_reason for delta in seen)


@pytest.mark.parametrize("kind", BREAKS)
async def test_a_plain_answer(kind: BreakKind) -> None:
    """It breaks as a whole."""
    async with service("zai") as there:
        there.break_stream(kind)
        seen, error = await broken(there, "zai", stream=False)
    assert seen == []
    assert isinstance(error, errors.EngineFailed | errors.DeadlineExceeded)


@pytest.mark.parametrize("kind", BREAKS)
async def test_the_next_answer_is_whole(kind: BreakKind) -> None:
    """A broken connection is not used again."""
    async with service("zai") as there, engine(there.base_url, profile="zai", timeouts=QUICK) as asked:
        there.break_stream(kind)
        with pytest.raises(GlmgateError):
            await deltas(asked, chat(stream=True))
        assert (await deltas(asked, chat(stream=True)))[-1].finish_reason == "stop"
