"""A real vLLM behind the gateway, asked as an OpenAI application asks (distributed facts 2 and 3).

The order counts: the last test ends the replica.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, APIStatusError

from tests.contract.bodies import both
from tests.contract.stage import Stage, models, staged
from tests.vllm.record import asked, recorded
from tests.vllm.replica import Replica
from tests.vllm.requests import HELLO, RECORDED, TOOLS
from tests.vllm.shapes import shape

pytestmark = pytest.mark.timeout(400)  # the first test waits until the replica has started
CALLED = [("function", "get_weather", '{"city": "Oslo"}')]
SPOKEN = "Hello from the real engine!"
THOUGHT = "I should look up."
CALM: dict[str, Any] = {"thinking": {"type": "disabled"}}
FORM: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "one",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"one": {"enum": [1]}},
            "required": ["one"],
            "additionalProperties": False,
        },
    },
}


class _There:
    """The replica as the settings have it."""

    name = "it"

    def __init__(self, real: Replica) -> None:
        self._real = real

    def toml(self) -> str:
        """Its table."""
        timeouts = "{ connect = 5, first = 30, idle = 30, total = 90 }"
        return (
            f'[[upstreams]]\nname = "it"\nprofile = "vllm"\nbase_url = "{self._real.base_url}"\n'
            f"concurrency = 8\ntimeouts = {timeouts}\n"
        )

    def environment(self) -> dict[str, str]:
        """It has no secret."""
        return {}


@asynccontextmanager
async def behind(real: Replica, home: Path) -> AsyncIterator[Stage]:
    """A gateway in front of it."""
    async with staged(home / "home", _There(real), tables=models("glm-4.6")) as stage:
        yield stage


@both
async def test_thoughts_and_a_call(real: Replica, tmp_path: Path, streamed: bool) -> None:
    """Under OpenAI's names, with usage once; the limit is large enough to think (N13)."""
    async with behind(real, tmp_path) as stage:
        told = await stage.chat(tools=TOOLS, temperature=0, max_tokens=600, streamed=streamed)
    assert (told.reasoning, told.calls, told.ending) == (THOUGHT, CALLED, "tool_calls")
    assert told.usage.completion_tokens_details.reasoning_tokens == 5


@both
@pytest.mark.parametrize(
    "off", [CALM, {"reasoning_effort": "none"}, {"chat_template_kwargs": {"enable_thinking": False}}]
)
async def test_thinking_off(real: Replica, tmp_path: Path, off: dict[str, Any], streamed: bool) -> None:
    """GLM's way of saying it is ignored by vLLM, so it is translated."""
    async with behind(real, tmp_path) as stage:
        told = await stage.chat(**off, temperature=0, max_tokens=60, streamed=streamed)
    assert (told.text, told.reasoning, told.ending) == (SPOKEN, "", "stop")


@both
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
async def test_forced_calls(real: Replica, tmp_path: Path, choice: Any, streamed: bool) -> None:
    """A call comes, with thinking on."""
    async with behind(real, tmp_path) as stage:
        told = await stage.chat(tools=TOOLS, tool_choice=choice, temperature=0, max_tokens=200, streamed=streamed)
    (call,) = told.calls
    assert call[1] == "get_weather"
    assert isinstance(json.loads(call[2]), dict)


@both
async def test_a_form(real: Replica, tmp_path: Path, streamed: bool) -> None:
    """The answer is valid, whatever vLLM makes of it with thinking on."""
    async with behind(real, tmp_path) as stage:
        told = await stage.chat(response_format=FORM, temperature=0, max_tokens=200, streamed=streamed)
    assert json.loads(told.text) == {"one": 1}


@both
@pytest.mark.parametrize(
    "members",
    [
        {"do_sample": False},
        {"top_p": 0},
        {"user": "somebody"},
        {"user_id": "somebody"},
        {"tools": []},
        {"tool_choice": "auto"},
        {"messages": [{"role": "developer", "content": "Hi"}, *HELLO]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
        {"messages": [{"role": "system", "content": "Hi"}]},
        {"metadata": {"a": "b"}, "store": False},
        {"stop": ["nowhere", "not there", "nor here", "never"]},
        {"seed": 1},
    ],
)
async def test_what_it_would_refuse_or_ignore(
    real: Replica, tmp_path: Path, members: dict[str, Any], streamed: bool
) -> None:
    """It answers all the same."""
    async with behind(real, tmp_path) as stage:
        told = await stage.chat(**({"temperature": 0} | CALM | {"max_tokens": 60} | members), streamed=streamed)
    assert told.text == SPOKEN


@both
async def test_a_stop(real: Replica, tmp_path: Path, streamed: bool) -> None:
    """Across pieces."""
    async with behind(real, tmp_path) as stage:
        told = await stage.chat(**CALM, stop=["never", "e real e"], temperature=0, max_tokens=60, streamed=streamed)
    assert told.text == "Hello from th"


@both
async def test_two_choices_with_logprobs(real: Replica, tmp_path: Path, streamed: bool) -> None:
    """What vLLM can do is passed."""
    async with behind(real, tmp_path) as stage:
        told = await stage.chat(**CALM, n=2, logprobs=True, temperature=0, max_tokens=60, streamed=streamed)
    assert dict(told.texts) == {0: SPOKEN, 1: SPOKEN}


async def test_thoughts_go_back_in(real: Replica, tmp_path: Path) -> None:
    """vLLM drops `reasoning_content`; under its own name the prompt holds it."""
    history: list[dict[str, Any]] = [*HELLO, {"role": "assistant", "content": "Hi"}, *HELLO]
    thought = [*HELLO, {"role": "assistant", "content": "Hi", "reasoning_content": "A long thought"}, *HELLO]
    async with behind(real, tmp_path) as stage:
        without = await stage.chat(**CALM, messages=history, max_tokens=20)
        with_it = await stage.chat(**CALM, messages=thought, max_tokens=20)
    assert with_it.usage.prompt_tokens > without.usage.prompt_tokens


async def test_an_answer_longer_than_its_context(real: Replica, tmp_path: Path) -> None:
    """Its refusal is the caller's 400."""
    async with behind(real, tmp_path) as stage:
        with pytest.raises(APIStatusError) as raised:
            await stage.chat(max_tokens=5_000)
    assert raised.value.status_code == 400


async def test_a_text_completion(real: Replica, tmp_path: Path) -> None:
    """Natively."""
    async with behind(real, tmp_path) as stage:
        answer = await stage.client().completions.create(
            model="glm-4.6", prompt="<|plain|>", max_tokens=20, temperature=0
        )
    assert answer.choices[0].text == SPOKEN


@pytest.mark.parametrize("name", RECORDED)
def test_the_records_are_still_right(real: Replica, name: str) -> None:
    """What the default tests replay has the members that this vLLM writes; if not: `python -m tests.vllm.record`."""
    now, then = asked(real.base_url, RECORDED[name]), recorded(name)
    assert (now.status, now.kind) == (then.status, then.kind)
    assert shape(now.body) == shape(then.body)


async def read(stream: Any) -> None:
    """All that still comes."""
    async for _ in stream:
        pass


async def test_a_worker_that_dies(real: Replica, tmp_path: Path) -> None:
    """vLLM says `[DONE]` behind its error event; the client sees an exception."""
    workers = real.workers()
    assert workers
    looping: Any = [{"role": "user", "content": "loop"}]
    async with behind(real, tmp_path) as stage:
        create: Any = stage.client().chat.completions.create
        stream = await create(
            model="glm-4.6", messages=looping, stream=True, max_tokens=1_000, temperature=0, extra_body=CALM
        )
        for _ in range(3):
            await anext(stream)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        with pytest.raises(APIError):
            await read(stream)
        with pytest.raises(APIStatusError) as raised:
            await asyncio.wait_for(stage.chat(**CALM, max_tokens=20), 60)
        assert raised.value.status_code >= 500
