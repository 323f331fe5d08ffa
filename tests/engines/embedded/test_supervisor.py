"""When children start, restart, rest and end; with children that a test breaks at will (real ones: `test_faults`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bench.random_model import TINY, write
from glmgate.engines.embedded.lifecycle import Phase, RestartPolicy
from glmgate.engines.embedded.resident import ModelStatus
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.errors import CapacityExceeded, Unavailable
from glmgate.weights.fit import need
from glmgate.weights.gguf import read_facts
from tests.engines.embedded.children import FakeLaunch

CONTEXT = 256
QUICK = RestartPolicy(first_s=0.01, longest_s=0.02, most_breaks=4, window_s=60, rest_s=60)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[LocalModel]:
    """Three models of the same size."""
    folder = tmp_path_factory.mktemp("models")
    return [LocalModel(name, write(folder / f"{name}.gguf", TINY, template="")) for name in ("one", "two", "three")]


@pytest.fixture
async def launch() -> FakeLaunch:
    """Starts children at once."""
    launch = FakeLaunch()
    launch.gate.set()
    return launch


Make = Callable[..., Supervisor]


@pytest.fixture
async def make(launch: FakeLaunch) -> AsyncIterator[Make]:
    """Makes supervisors with settings of the test, and closes them."""
    made: list[Supervisor] = []

    def supervisor(**settings: object) -> Supervisor:
        values: dict[str, object] = {"threads": 1, "context": CONTEXT, "parallel": 1, **settings}
        made.append(Supervisor(EmbeddedSettings(**values), start=launch, restarts=QUICK))  # type: ignore[arg-type] # tests know the types
        return made[-1]

    yield supervisor
    for one in made:
        await one.aclose(grace_s=0)


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 # what is waited for has no event
            await asyncio.sleep(0.005)


def status(supervisor: Supervisor, model: LocalModel) -> ModelStatus:
    """How a model stands."""
    return next(status for status in supervisor.status() if status.name == model.name)


async def use(supervisor: Supervisor, model: LocalModel) -> int:
    """Lease a child and give it back; the answer is its process id."""
    async with supervisor.lease(model) as running:
        return running.pid


async def test_nothing_runs_before_it_is_wanted(make: Make, launch: FakeLaunch) -> None:
    """A server that nobody asks uses no memory for models."""
    assert make().status() == ()
    assert launch.starts == 0


async def test_the_context_is_known_before_anything_runs(make: Make, models: list[LocalModel]) -> None:
    """Model cards tell it; the model's own is the most."""
    facts = read_facts(models[0].path)
    assert make().context(facts) == CONTEXT
    assert make(context=1 << 20).context(facts) == facts.context_length


async def test_who_only_wants_a_child_that_runs_starts_none(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """Counting for others is not worth a model's memory."""
    supervisor = make()
    with pytest.raises(Unavailable, match="'one' does not run now"):
        async with supervisor.lease(models[0], start=False):
            pass
    assert (supervisor.runs(models[0]), launch.starts, supervisor.status()) == (False, 0, ())
    await use(supervisor, models[0])
    async with supervisor.lease(models[0], start=False) as running:
        assert (running.pid, supervisor.runs(models[0]), supervisor.runs(models[1])) == (1, True, False)


async def test_requests_that_come_first_share_one_start(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """A hundred callers, one child."""
    launch.gate.clear()
    supervisor = make()
    callers = [asyncio.create_task(use(supervisor, models[0])) for _ in range(100)]
    await until(lambda: launch.starts > 0)
    assert status(supervisor, models[0]).phase is Phase.STARTING
    launch.gate.set()
    assert await asyncio.gather(*callers) == [1] * 100
    assert launch.starts == 1


async def test_a_caller_who_leaves_does_not_end_the_start_for_the_others(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """The first caller made it start, but it is not theirs alone."""
    launch.gate.clear()
    supervisor = make()
    first, second = (asyncio.create_task(use(supervisor, models[0])) for _ in range(2))
    await until(lambda: launch.starts > 0)
    first.cancel()
    launch.gate.set()
    assert await second == 1


async def test_a_start_that_takes_too_long_for_a_caller_goes_on(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """The caller is told to come back; then the model is there."""
    launch.gate.clear()
    supervisor = make(start_wait_s=0.05)
    with pytest.raises(Unavailable, match="is loading") as caught:
        await use(supervisor, models[0])
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s >= 1
    launch.gate.set()
    await until(lambda: status(supervisor, models[0]).phase is Phase.READY)
    assert await use(supervisor, models[0]) == 1


async def test_a_model_that_cannot_be_loaded_is_told_to_every_waiter(
    make: Make, launch: FakeLaunch, models: list[LocalModel], caplog: pytest.LogCaptureFixture
) -> None:
    """Without the engine's words, which are for the operator: in the log and in the status."""
    launch.gate.clear()
    launch.failures = 1
    supervisor = make()
    callers = [asyncio.create_task(use(supervisor, models[0])) for _ in range(3)]
    await until(lambda: launch.starts > 0)
    launch.gate.set()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert all("tensor" not in str(answer) for answer in answers)
    assert status(supervisor, models[0]).trouble == "tensor is broken"
    assert "tensor is broken" in caplog.text


async def test_the_next_request_tries_a_model_that_could_not_be_loaded_again(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """The file may have been replaced meanwhile."""
    launch.failures = 1
    supervisor = make()
    with pytest.raises(Unavailable):
        await use(supervisor, models[0])
    assert await use(supervisor, models[0]) == 2
    assert status(supervisor, models[0]).trouble is None


async def test_a_model_that_breaks_too_often_rests(make: Make, launch: FakeLaunch, models: list[LocalModel]) -> None:
    """Callers are told when to come back, without another start."""
    launch.failures = 99
    supervisor = make()
    for _ in range(4):
        with pytest.raises(Unavailable):
            await use(supervisor, models[0])
    with pytest.raises(Unavailable, match="could not be started") as caught:
        await use(supervisor, models[0])
    assert launch.starts == 4
    assert caught.value.retry_after_s == pytest.approx(60, abs=5)


async def test_a_child_that_crashes_is_started_again_without_being_asked(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """So that the next request finds it loaded; what the dead one left is removed."""
    supervisor = make()
    await use(supervisor, models[0])
    launch.children[0].crash()
    await until(lambda: len(launch.children) == 2)
    assert launch.children[0].ended
    assert await use(supervisor, models[0]) == 2
    assert status(supervisor, models[0]).breaks == 1


async def test_a_child_that_crashes_again_and_again_rests(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """It is not restarted for ever where nobody asks for it."""
    supervisor = make()
    await use(supervisor, models[0])
    for number in range(4):
        await until(lambda number=number: len(launch.children) == number + 1)  # type: ignore[misc] # bound at once
        launch.children[number].crash()
    await until(lambda: status(supervisor, models[0]).breaks == 4)
    await asyncio.sleep(0.1)
    assert launch.starts == 4
    assert status(supervisor, models[0]).phase is Phase.BROKEN


async def test_a_model_that_is_not_used_is_stopped(make: Make, launch: FakeLaunch, models: list[LocalModel]) -> None:
    """And started again when it is wanted."""
    supervisor = make(idle_s=0.05)
    await use(supervisor, models[0])
    await until(lambda: status(supervisor, models[0]).phase is Phase.STOPPED)
    assert launch.children[0].ended
    assert status(supervisor, models[0]).memory_bytes == 0
    assert await use(supervisor, models[0]) == 2


async def test_a_model_that_is_used_is_not_idle(make: Make, launch: FakeLaunch, models: list[LocalModel]) -> None:
    """However long an answer takes."""
    supervisor = make(idle_s=0.02)
    async with supervisor.lease(models[0]):
        await asyncio.sleep(0.2)
        assert not launch.children[0].ended


def two_models(path: Path) -> int:
    """A budget for two of the models, not for three."""
    return need(read_facts(path), context=CONTEXT, slots=1).total * 5 // 2


async def test_the_least_recently_used_leaves_when_memory_is_short(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """One and two are loaded, one is used again, so three takes the place of two."""
    supervisor = make(memory_bytes=two_models(models[0].path))
    for index in (0, 1, 0, 2):
        await use(supervisor, models[index])
        await asyncio.sleep(0.001)
    assert launch.alive() == ["one", "three"]
    assert sum(status.memory_bytes for status in supervisor.status()) <= two_models(models[0].path)


async def test_a_model_that_is_used_never_leaves(make: Make, launch: FakeLaunch, models: list[LocalModel]) -> None:
    """Who finds all memory in use is told to come back."""
    supervisor = make(memory_bytes=two_models(models[0].path))
    async with supervisor.lease(models[0]), supervisor.lease(models[1]):
        with pytest.raises(CapacityExceeded) as caught:
            await use(supervisor, models[2])
        assert caught.value.retry_after_s
        assert launch.alive() == ["one", "two"]
    assert await use(supervisor, models[2]) == 3


async def test_starts_at_the_same_time_do_not_exceed_the_memory(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """Two of three are started; the third finds the memory taken, although neither is ready yet."""
    launch.gate.clear()
    supervisor = make(memory_bytes=two_models(models[0].path))
    callers = [asyncio.create_task(use(supervisor, model)) for model in models]
    await until(lambda: launch.starts == 2 and any(caller.done() for caller in callers))
    launch.gate.set()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert sum(isinstance(answer, CapacityExceeded) for answer in answers) == 1


async def test_a_model_that_never_fits_says_so(make: Make, launch: FakeLaunch, models: list[LocalModel]) -> None:
    """With both sizes, and what to change."""
    supervisor = make(memory_bytes=1 << 20)
    with pytest.raises(Unavailable, match=r"needs \d+ MiB of memory, but models may use 1 MiB"):
        await use(supervisor, models[0])
    assert launch.starts == 0


async def test_a_missing_file_is_told_without_its_path(make: Make, tmp_path: Path) -> None:
    """A caller must not learn our folders; the log has it."""
    supervisor = make()
    with pytest.raises(Unavailable, match="'gone' cannot be loaded") as caught:
        await use(supervisor, LocalModel("gone", tmp_path / "gone.gguf"))
    assert str(tmp_path) not in caught.value.message


async def test_a_template_that_cannot_be_read_is_told(
    make: Make, models: list[LocalModel], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One that is not there, and one that is no text."""
    binary = tmp_path / "t.jinja"
    binary.write_bytes(b"\xff")
    for template in (tmp_path / "none.jinja", binary):
        with pytest.raises(Unavailable, match="'one' cannot be loaded"):
            await use(make(chat_templates={"glm4": template}), models[0])
    assert "none.jinja" in caplog.text


async def test_closing_lets_leases_end_first(make: Make, launch: FakeLaunch, models: list[LocalModel]) -> None:
    """An answer that is being given is given to its end; no model is started any more."""
    supervisor = make()
    async with supervisor.lease(models[0]):
        closing = asyncio.create_task(supervisor.aclose(grace_s=10))
        await asyncio.sleep(0.05)
        assert not launch.children[0].ended
        with pytest.raises(Unavailable, match="shutting down"):
            await use(supervisor, models[1])
    await closing
    assert launch.alive() == []


async def test_closing_does_not_wait_longer_than_its_grace(
    make: Make, launch: FakeLaunch, models: list[LocalModel]
) -> None:
    """A stream without an end does not hold the server up."""
    supervisor = make()
    async with supervisor.lease(models[0]):
        await supervisor.aclose(grace_s=0.05)
        assert launch.alive() == []


async def test_closing_ends_a_start_that_is_under_way(make: Make, launch: FakeLaunch, models: list[LocalModel]) -> None:
    """Nobody waits for a model that nobody will use."""
    launch.gate.clear()
    supervisor = make()
    caller = asyncio.create_task(use(supervisor, models[0]))
    await until(lambda: launch.starts > 0)
    await supervisor.aclose(grace_s=0)
    with pytest.raises(Unavailable):
        await caller
    assert status(supervisor, models[0]).phase is Phase.STOPPED
