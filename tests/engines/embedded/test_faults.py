"""What goes wrong with real children: they are killed, callers vanish, memory is short, the server shuts down."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.lifecycle import Phase
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.errors import CapacityExceeded, EngineFailed, Unavailable
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from tests.engines.embedded.asking import (
    CALL,
    answer,
    busy_slots,
    chat,
    endless,
    engine,
    prompt_tokens_read,
    supervised,
    until,
)

pytestmark = pytest.mark.engine

# A busy machine stalls; what is asserted is that something happens at all, and long before it would by itself.
SOON_S = 5.0
LONG_CONTEXT = 4096


def sockets() -> int:
    """The sockets and pipes that this process has open."""
    found = 0
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor of the listing itself
            found += str(path.readlink()).startswith(("socket:", "pipe:"))
    return found


def running(pid: int) -> bool:
    """Whether a process of that id runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def pid_of(supervisor: Supervisor, model: LocalModel) -> int:
    """The process id of the model's child."""
    async with supervisor.lease(model) as child:
        return child.pid


async def first(stream: AsyncIterator[tuple[Delta, ...]]) -> tuple[Delta, ...]:
    """The first deltas."""
    return await anext(stream)


async def slots_working(supervisor: Supervisor, model: LocalModel, *, wanted: bool) -> None:
    """Wait until the child says that a slot of its works, or that none does."""
    async with asyncio.timeout(SOON_S), supervisor.lease(model) as child:
        while bool(await busy_slots(child)) is not wanted:  # noqa: ASYNC110 # the child cannot call
            await asyncio.sleep(0.005)


async def ask(asked: EmbeddedEngine, request: ChatRequest) -> None:
    """Ask, and leave at the first delta."""
    async with asked.stream(CALL, request) as stream:
        await first(stream)


async def kill_after_the_first_delta(asked: EmbeddedEngine, pid: int, how: signal.Signals) -> None:
    """Read on after the child was killed."""
    async with asked.stream(CALL, endless()) as stream:
        await first(stream)
        os.kill(pid, how)
        async for _ in stream:
            pass


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
async def test_a_child_killed_in_mid_stream_is_an_error_and_the_next_request_is_answered(
    tiny: Path, how: signal.Signals
) -> None:
    """Within two seconds and some for a busy machine; the dead one is no zombie, no socket is left."""
    model = LocalModel("m", tiny)
    async with engine(model, context=LONG_CONTEXT) as (asked, supervisor):
        pid = await pid_of(supervisor, model)
        with pytest.raises(EngineFailed, match="broke off"):
            await kill_after_the_first_delta(asked, pid, how)
        began = time.monotonic()
        completion = await answer(asked, chat(max_tokens=2))
        assert completion.choices[0].finish_reason == "length"
        assert time.monotonic() - began < 2 + SOON_S
        assert await pid_of(supervisor, model) != pid
        assert not Path(f"/proc/{pid}").exists()


async def test_a_child_killed_during_the_prompt_is_an_error_in_place_of_the_first_delta(slow: Path) -> None:
    """Nothing was said yet, so that the surface can still answer with a status of its own."""
    model = LocalModel("m", slow)
    async with engine(model, context=LONG_CONTEXT) as (asked, supervisor):
        pid = await pid_of(supervisor, model)
        asking = asyncio.create_task(ask(asked, chat("long " * 790)))
        await slots_working(supervisor, model, wanted=True)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EngineFailed):
            await asking


async def test_leaving_a_stream_frees_the_slot_while_decoding(tiny: Path) -> None:
    """Our connection closes when the context is left, and the child notices."""
    model = LocalModel("m", tiny)
    async with engine(model, context=LONG_CONTEXT) as (asked, supervisor):
        async with asked.stream(CALL, endless()) as stream:
            await first(stream)
            async with supervisor.lease(model) as child:
                assert await busy_slots(child) == 1
        assert supervisor.slots(model).busy == 0
        await slots_working(supervisor, model, wanted=False)


async def test_a_caller_cancelled_during_the_prompt_frees_the_slot(slow: Path) -> None:
    """Within two micro-batches of 512 tokens, not after the whole prompt of some four thousand."""
    model = LocalModel("m", slow)
    async with engine(model, context=LONG_CONTEXT) as (asked, supervisor):
        asking = asyncio.create_task(ask(asked, endless(text="long " * 790)))
        await slots_working(supervisor, model, wanted=True)
        asking.cancel()
        await asyncio.wait({asking})
        assert supervisor.slots(model).busy == 0
        await slots_working(supervisor, model, wanted=False)
        async with supervisor.lease(model) as child:
            assert await prompt_tokens_read(child) <= 2048


async def test_two_hundred_callers_that_vanish_leave_nothing(tiny: Path) -> None:
    """At every moment of a request's life: no slot, no descriptor, no task, no process."""
    model = LocalModel("m", tiny)
    async with engine(model, context=1024, queue=500) as (asked, supervisor):
        await answer(asked, chat(max_tokens=1))
        pid = await pid_of(supervisor, model)
        await asyncio.sleep(0.1)
        before, tasks = sockets(), len(asyncio.all_tasks())

        async def vanish(number: int) -> None:
            async with asyncio.timeout(number * 0.004), asked.stream(CALL, endless()) as stream:
                async for _ in stream:
                    pass

        ends = await asyncio.gather(*(vanish(number) for number in range(200)), return_exceptions=True)
        assert sum(isinstance(end, TimeoutError) for end in ends) > 150
        await slots_working(supervisor, model, wanted=False)
        await until(lambda: sockets() <= before and len(asyncio.all_tasks()) <= tasks)
        (status,) = supervisor.status()
        assert (status.busy, status.waiting, status.leases, status.breaks) == (0, 0, 0, 0)
        assert await pid_of(supervisor, model) == pid
        assert (await answer(asked, chat(max_tokens=2))).usage.completion == 2


async def test_no_request_meets_a_connection_that_the_child_has_closed(tiny: Path) -> None:
    """Two hundred short ones, one after the other: with kept connections 3 to 5 of 100 fail (engine facts 3.9)."""
    async with engine(LocalModel("m", tiny)) as (asked, _):
        for _ in range(200):
            assert (await answer(asked, chat(max_tokens=1))).usage.completion == 1


async def test_one_caller_more_than_slots_and_queue_hold_is_refused(tiny: Path) -> None:
    """429 with a time to come back; the others are answered."""
    model = LocalModel("m", tiny)
    async with engine(model, parallel=1, queue=1, context=LONG_CONTEXT) as (asked, supervisor):
        async with asked.stream(CALL, endless()) as stream:
            await first(stream)
            waiting = asyncio.create_task(answer(asked, chat(max_tokens=1)))
            await until(lambda: supervisor.slots(model).waiting == 1)
            with pytest.raises(CapacityExceeded) as caught:
                await answer(asked, chat())
            assert caught.value.retry_after_s
        assert (await waiting).usage.completion == 1


async def test_neighbours_do_not_take_each_other_s_context(tiny: Path) -> None:
    """All slots go to the end of their contexts at once; none breaks off (engine facts 3.12)."""
    async with engine(LocalModel("m", tiny), parallel=4, context=512) as (asked, _):
        answers = await asyncio.gather(*(answer(asked, endless(seed=seed)) for seed in range(4)))
    assert [one.choices[0].finish_reason for one in answers] == ["length"] * 4
    assert [one.usage.total for one in answers] == [512] * 4


async def test_a_model_that_is_damaged_is_unavailable_and_the_reason_is_in_the_log(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One whose header is good but which the engine cannot load: here an architecture that it does not know."""
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(tiny.read_bytes().replace(b"glm4", b"gl__"))
    async with engine(LocalModel("damaged", damaged)) as (asked, supervisor):
        with pytest.raises(Unavailable, match="'damaged' could not be started") as caught:
            await answer(asked, chat())
        assert "gl__" not in caught.value.message
        (status,) = supervisor.status()
    assert "unknown model architecture" in (status.trouble or "")
    assert "unknown model architecture" in caplog.text


async def test_a_family_s_template_replaces_the_file_s(tiny: Path, tmp_path: Path) -> None:
    """Where the one in a file breaks the engine's parser (engine facts 3.15)."""
    template = tmp_path / "t.jinja"
    template.write_text("{% for message in messages %}[{{ message.role }}]{{ message.content }}{% endfor %}")
    async with engine(LocalModel("m", tiny), chat_templates={"glm4": template}) as (asked, _):
        assert await asked.render(chat("Hi")) == "[user]Hi"


async def test_models_take_each_other_s_place_when_memory_is_short(tiny: Path, slow: Path) -> None:
    """The child of the one really ends before the other's starts."""
    one, two = LocalModel("one", tiny), LocalModel("two", slow)
    async with supervised(memory_bytes=200 << 20, parallel=1, context=256) as supervisor:
        engines = [EmbeddedEngine(model, supervisor) for model in (one, two)]
        await answer(engines[0], chat(max_tokens=1))
        pid = await pid_of(supervisor, one)
        assert (await answer(engines[1], chat(max_tokens=1))).usage.completion == 1
        assert not running(pid)
        assert (await answer(engines[0], chat(max_tokens=1))).usage.completion == 1


async def test_an_idle_model_s_process_is_gone(tiny: Path) -> None:
    """Its memory really returns; the next request finds a new one."""
    model = LocalModel("m", tiny)
    async with engine(model, idle_s=0.05) as (asked, supervisor):
        await answer(asked, chat(max_tokens=1))
        await until(lambda: supervisor.status()[0].phase is Phase.STOPPED)
        assert (await answer(asked, chat(max_tokens=1))).usage.completion == 1


async def test_streams_end_before_the_shutdown_does(tiny: Path) -> None:
    """A stream under way is given to its end, then the child is ended."""
    model = LocalModel("m", tiny)
    async with engine(model, context=1024) as (asked, supervisor):
        async with asked.stream(CALL, endless()) as stream:
            await first(stream)
            pid = await pid_of(supervisor, model)
            closing = asyncio.create_task(supervisor.aclose(grace_s=30))
            last = [delta async for some in stream for delta in some][-1]
        await closing
        assert last.finish_reason == "length"
        assert last.usage is not None
        assert last.usage.total == 1024
        assert not running(pid)


async def test_a_stream_longer_than_the_grace_gets_an_error(slow: Path) -> None:
    """Not a silent end, and the shutdown does not wait for it."""
    model = LocalModel("m", slow)
    async with engine(model, context=LONG_CONTEXT) as (asked, supervisor), AsyncExitStack() as stack:
        stream = await stack.enter_async_context(asked.stream(CALL, endless()))
        await first(stream)
        pid = await pid_of(supervisor, model)
        await supervisor.aclose(grace_s=0.05)
        with pytest.raises(EngineFailed):
            async for _ in stream:
                pass
        assert not running(pid)
