"""Events of a run in their order, as JSON; the outermost chain only, and each failure once."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_zhipuai.callbacks import AgentExecutorAsyncIteratorCallbackHandler, AgentStatus

RUN = UUID(int=1)
INNER = UUID(int=2)


async def told(handler: AgentExecutorAsyncIteratorCallbackHandler) -> list[dict[str, Any]]:
    """The events so far."""
    handler.done.set()
    return [json.loads(event) async for event in handler.aiter()]


async def test_inner_chains_are_not_told() -> None:
    """A run begins and ends once, whatever it is made of; its steps are kept beside its output."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    await handler.on_chain_start({}, {"input": "Hello", "chat_history": [AIMessage("")]}, run_id=RUN)
    await handler.on_chain_start({}, {"input": "Hello"}, run_id=INNER, parent_run_id=RUN)
    await handler.on_chain_end({"output": "inner"}, run_id=INNER)
    outputs: dict[str, Any] = {"output": "Hi", "intermediate_steps": [("action", "observation")]}
    await handler.on_chain_end(outputs, run_id=RUN)
    assert await told(handler) == [
        {"run_id": str(RUN), "status": AgentStatus.chain_start, "inputs": {"input": "Hello"}},
        {"run_id": str(RUN), "status": AgentStatus.chain_end, "outputs": {"output": "Hi"}},
    ]
    assert handler.out
    assert handler.outputs == {"output": "Hi"}
    assert handler.intermediate_steps == outputs["intermediate_steps"]


async def test_a_run_within_a_run_has_its_own_root() -> None:
    """The first chain that the handler hears of, whoever called it."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    await handler.on_chain_start({}, "Hello", run_id=INNER, parent_run_id=RUN)
    await handler.on_chain_end("Hi", run_id=INNER)
    assert [event["status"] for event in await told(handler)] == [AgentStatus.chain_start, AgentStatus.chain_end]
    assert handler.outputs == {"output": "Hi"}


async def test_a_failure_is_told_once() -> None:
    """By the run, not by the model or tool as well, through which it came."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    error = ValueError("broken")
    await handler.on_chain_start({}, {}, run_id=RUN)
    await handler.on_tool_error(error, run_id=INNER)
    await handler.on_llm_error(error, run_id=INNER)
    await handler.on_chain_error(error, run_id=INNER)
    await handler.on_chain_error(error, run_id=RUN)
    failures = [event for event in await told(handler) if event["status"] == AgentStatus.error]
    assert failures == [{"run_id": str(RUN), "status": AgentStatus.error, "text": "ValueError: broken"}]
    assert not handler.out


async def test_without_a_run_models_and_tools_tell_their_failures() -> None:
    """A handler may be given to a model alone."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    await handler.on_llm_error(ValueError("broken"), run_id=INNER)
    await handler.on_tool_error(ValueError("broken"), run_id=INNER)
    assert [event["status"] for event in await told(handler)] == [AgentStatus.error] * 2


async def test_models_of_both_kinds() -> None:
    """With messages or with texts; pieces without a text say nothing."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    await handler.on_llm_start({}, ["Hello"], run_id=RUN)
    await handler.on_chat_model_start({}, [[]], run_id=RUN)
    for piece in ("Hi", "", [{"type": "text"}]):
        await handler.on_llm_new_token(piece, run_id=RUN)  # type: ignore[arg-type] # the three kinds that there are
    await handler.on_llm_end(LLMResult(generations=[[Generation(text="Hi")]]), run_id=RUN)
    await handler.on_llm_end(LLMResult(generations=[[ChatGeneration(message=AIMessage("Hi"))]]), run_id=RUN)
    events = await told(handler)
    assert [(event["status"], event["text"]) for event in events] == [(1, ""), (1, ""), (2, "Hi"), (3, "Hi"), (3, "Hi")]


async def test_values_that_are_no_json() -> None:
    """They are told as texts: an event is never lost."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    await handler.on_chain_start({}, {"input": object}, run_id=RUN)
    assert "object" in (await told(handler))[0]["inputs"]["input"]


async def test_events_are_given_while_they_come() -> None:
    """And none that came before the end is left out."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    seen: list[str] = []

    async def listen() -> None:
        async for event in handler.aiter():
            seen.append(json.loads(event)["text"])  # noqa: PERF401 - looked at while it grows

    listening = asyncio.create_task(listen())
    await handler.on_llm_new_token("a", run_id=RUN)
    await asyncio.sleep(0.01)
    assert seen == ["a"]
    await handler.on_llm_new_token("b", run_id=RUN)
    await handler.on_llm_new_token("c", run_id=RUN)
    handler.done.set()
    await asyncio.wait_for(listening, 5)
    assert seen == ["a", "b", "c"]


@pytest.mark.parametrize("empty", [True, False])
async def test_a_listener_that_leaves_leaves_nothing(empty: bool) -> None:
    """No task waits for an event that nobody takes."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    before = asyncio.all_tasks()
    if not empty:
        await handler.on_llm_new_token("a", run_id=RUN)
        events = handler.aiter()
        await anext(events)
        await events.aclose()
    listening = asyncio.create_task(anext(handler.aiter()))
    await asyncio.sleep(0.01)
    listening.cancel()
    await asyncio.wait({listening})
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before


async def test_it_hears_a_chain_of_langchains() -> None:
    """Given as callbacks, of whatever chain."""
    handler = AgentExecutorAsyncIteratorCallbackHandler()
    chain: Runnable[Any, BaseMessage] = RunnableLambda(lambda _: "question") | FakeListChatModel(responses=["Hi"])
    await chain.ainvoke({"input": "Hello"}, {"callbacks": [handler], "run_id": uuid4()})
    statuses = [AgentStatus(event["status"]) for event in await told(handler)]
    assert statuses == [AgentStatus.chain_start, AgentStatus.llm_start, AgentStatus.llm_end, AgentStatus.chain_end]
