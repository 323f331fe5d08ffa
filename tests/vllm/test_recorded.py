"""Answers that were recorded from a real vLLM, replayed to the gateway: its own bytes, without a vLLM.

`make test-vllm` looks whether they are still what vLLM writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai import APIStatusError

from tests.contract.stage import Stage, Told, Upstream, models, staged
from tests.services import Service, running
from tests.vllm.record import recorded
from tests.vllm.requests import HELLO, RECORDED, TOOLS

SPOKEN = "Hello from the real engine!"
CALLED = [("function", "get_weather", '{"city": "Oslo"}')]
ASKED: dict[str, Any] = {"model": "glm-4.6", "messages": HELLO}


async def replayed(service: Service, stage: Stage, name: str, **members: Any) -> Told:
    """What the client's user has of a record."""
    found = recorded(name)
    service.fail_with(found.status, found.body, {"Content-Type": found.kind})
    return await stage.chat(**members, streamed="streamed" in name)


async def of(home: Path, name: str, **members: Any) -> Told:
    """The same, with a gateway for it."""
    with running("vllm") as service:
        async with staged(home, Upstream(service=service), tables=models("glm-4.6")) as stage:
            told = await replayed(service, stage, name, **members)
        assert len(service.requests) == 1
        return told


@pytest.mark.parametrize("name", ["text", "text-streamed", "text-streamed-bare"])
async def test_a_text(tmp_path: Path, name: str) -> None:
    """Whole, streamed with usage, and streamed as a service that was not asked for usage does it."""
    with running("vllm") as service:
        async with staged(tmp_path, Upstream(service=service), tables=models("glm-4.6")) as stage:
            found = recorded(name)
            service.fail_with(found.status, found.body, {"Content-Type": found.kind})
            body = ASKED | {"stream": "streamed" in name}
            reply = await stage.post("/v1/chat/completions", body)
    chunks = reply.stream.chunks if "streamed" in name else [reply.json]
    said = [choice.get("delta") or choice["message"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(each["content"] or "" for each in said) == SPOKEN
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    if name != "text-streamed-bare":
        assert chunks[-1]["usage"]["completion_tokens"] == 7


@pytest.mark.parametrize("name", ["call", "call-streamed"])
async def test_a_call(tmp_path: Path, name: str) -> None:
    """Thoughts under OpenAI's name, arguments from the first piece on."""
    told = await of(tmp_path, name, tools=TOOLS)
    assert (told.reasoning, told.calls, told.ending) == ("I should look up.", CALLED, "tool_calls")
    assert told.usage.completion_tokens_details.reasoning_tokens == 5


async def test_an_answer_that_was_cut(tmp_path: Path) -> None:
    """Nothing but thoughts within the limit: that is how it ended, and no failure."""
    told = await of(tmp_path, "cut-streamed", tools=TOOLS, max_tokens=3)
    assert (told.text, told.ending) == ("", "length")
    assert told.reasoning


async def test_log_probabilities(tmp_path: Path) -> None:
    """They stay beside their pieces; those of the token that ends the answer are no text."""
    told = await of(tmp_path, "logprobs-streamed", logprobs=True, top_logprobs=2)
    assert told.text == SPOKEN


@pytest.mark.parametrize(("name", "status"), [("top-p", 400), ("too-long", 400), ("no-tools", 400), ("no-model", 404)])
async def test_refusals(tmp_path: Path, name: str, status: int) -> None:
    """Codes are numbers there; what the client gets is OpenAI's."""
    with pytest.raises(APIStatusError) as raised:
        await of(tmp_path, name)
    assert raised.value.status_code == status
    assert raised.value.code is None or isinstance(raised.value.code, str)


def test_all_of_it_is_recorded() -> None:
    """No request without its record."""
    assert all(recorded(name).body for name in RECORDED)
