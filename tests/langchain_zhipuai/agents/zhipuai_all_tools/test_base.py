"""Runs as streams of what happens, and what is kept of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManager, BaseCallbackHandler
from langchain_core.tools import tool
from openai import BadRequestError

from langchain_zhipuai.agent_toolkits import BaseToolOutput, CodeInterpreterAdapterAllTool, CodeNotRun
from langchain_zhipuai.agents import ZhipuAIAllToolsRunnable
from langchain_zhipuai.agents.zhipuai_all_tools import (
    AllToolsAction,
    AllToolsActionToolEnd,
    AllToolsActionToolStart,
    AllToolsFinish,
    AllToolsLLMStatus,
)
from langchain_zhipuai.agents.zhipuai_all_tools.base import _get_assistants_tool
from langchain_zhipuai.callbacks import AgentStatus
from tests.langchain_zhipuai.agents.stage import CODE, DRAWING, IMAGE, WEB, agent_at, messages
from tests.services import Answer, ScriptedCall, ScriptedTool, Service


@tool
def shell(query: str) -> BaseToolOutput:
    """Run a command."""
    return BaseToolOutput(f"ran {query}")


def multiply(first: int, second: int) -> int:
    """Multiply two numbers."""
    return first * second


async def all_of(run: AsyncIterator[Any]) -> list[Any]:
    """Everything that a run tells."""
    return [event async for event in run]


async def heard(run: AsyncIterator[Any], events: list[Any]) -> None:
    """Put what a run tells into a list, also where it fails in the end."""
    async for event in run:
        events.append(event)  # noqa: PERF401 - a comprehension that fails gives nothing


def said(events: list[Any]) -> str:
    """The answer."""
    (finish,) = [event for event in events if isinstance(event, AllToolsFinish)]
    return str(finish.return_values["output"])


async def test_a_run_without_tools(service: Service) -> None:
    """Begin, words, end, answer, in this order; all of one run of the agent have one id."""
    events = await all_of(agent_at(service).invoke(chat_input="Hello"))
    statuses = [AgentStatus(event.status) for event in events]
    tokens = [event.text for event in events if event.status == AgentStatus.llm_new_token]
    assert statuses[:2] == [AgentStatus.chain_start, AgentStatus.llm_start]
    assert statuses[-3:] == [AgentStatus.llm_end, AgentStatus.agent_finish, AgentStatus.chain_end]
    assert "".join(tokens) == events[-1].text == said(events) == "Hello from the service."
    assert len(tokens) > 1
    assert events[0].run_id == events[-1].run_id


async def test_tools_are_told(service: Service) -> None:
    """What the model asked for, the tool's beginning and end."""
    service.answer_with(Answer("", calls=(ScriptedCall("multiply", {"first": 6, "second": 7}),)), "42.")
    events = await all_of(agent_at(service, multiply, shell).invoke("6 times 7?"))
    (action,) = [event for event in events if isinstance(event, AllToolsAction)]
    (start,) = [event for event in events if isinstance(event, AllToolsActionToolStart)]
    (end,) = [event for event in events if isinstance(event, AllToolsActionToolEnd)]
    assert (action.tool, action.tool_input) == ("multiply", {"first": 6, "second": 7})
    assert (start.tool, end.tool, end.tool_output) == ("multiply", "multiply", "42")
    assert said(events) == "42."


async def test_built_in_tools_are_told_by_their_input(service: Service) -> None:
    """Not by the action that their adapter is run with."""
    service.answer_with(Answer("", calls=(ScriptedTool("drawing_tool", "a cat", (IMAGE,)),)))
    events = await all_of(agent_at(service, CODE, WEB, DRAWING).invoke("Draw."))
    (start,) = [event for event in events if isinstance(event, AllToolsActionToolStart)]
    assert (start.tool, start.tool_input, said(events)) == ("drawing_tool", "a cat", IMAGE["image"])
    assert [each["type"] for each in service.requests[-1].body["tools"]] == [
        "code_interpreter",
        "web_browser",
        "drawing_tool",
    ]


async def test_what_was_said_is_kept_for_the_next_run(service: Service) -> None:
    """History and steps go on; nothing is shared with another agent."""
    service.answer_with(Answer("", calls=(ScriptedCall("shell", {"query": "ls"}),)), "One file.", "a.txt", "Hi.")
    given = [("user", "Before"), {"role": "assistant", "content": "Yes?"}]
    agent = agent_at(service, shell, history=given)
    await all_of(agent.invoke("How many?"))
    await all_of(agent.invoke("Which?"))
    told = [(message["role"], message["content"]) for message in messages(service)][1:]
    assert told == [
        ("user", "Before"),
        ("assistant", "Yes?"),
        ("user", "How many?"),
        ("assistant", "One file."),
        ("user", "Which?"),
    ]
    assert [str(observation) for _, observation in agent.intermediate_steps] == ["ran ls"]
    assert agent.callback.outputs["output"] == "a.txt"
    assert len(given) == 2
    other = agent_at(service, shell)
    await all_of(other.invoke("Hello"))
    assert (len(other.history), other.intermediate_steps) == (2, [])


async def test_a_failure_is_told_once_and_raised(service: Service) -> None:
    """Whoever only looks at events sees it, whoever only awaits does too; it is in no history."""
    service.fail_with(400, code="1214")
    agent = agent_at(service, shell)
    events: list[Any] = []
    with pytest.raises(BadRequestError):
        await heard(agent.invoke("Hello"), events)
    failures = [event for event in events if event.status == AgentStatus.error]
    assert len(failures) == 1
    assert isinstance(failures[0], AllToolsLLMStatus)
    assert "BadRequestError" in failures[0].text
    assert events[-1] is failures[0]
    assert agent.history == []
    assert said(await all_of(agent.invoke("Again"))) == "Hello from the service."


async def test_a_tools_failure_is_told_once(service: Service) -> None:
    """Also where it was the tool that failed."""
    service.answer_with(Answer("", calls=(ScriptedTool("code_interpreter", "import os"),)))
    events: list[Any] = []
    with pytest.raises(CodeNotRun):
        await heard(agent_at(service, CODE).invoke("Run."), events)
    assert next(event.text for event in events if event.status == AgentStatus.error).startswith("CodeNotRun: ")
    assert [event.status for event in events].count(AgentStatus.error) == 1


async def test_an_executor_of_code(service: Service) -> None:
    """It is named for the agent."""
    service.answer_with(Answer("", calls=(ScriptedTool("code_interpreter", "6 * 7"),)), "Done.")
    agent = agent_at(service, CODE, code_executor=lambda code: f"ran {code}")
    assert said(await all_of(agent.invoke("Run."))) == "Done."
    assert messages(service)[-1]["content"] == "ran 6 * 7"


async def test_leaving_early_ends_the_run(service: Service) -> None:
    """The connection closes, no task stays, and nothing is kept."""
    service.slow(first_s=0.0, between_s=0.2)
    service.answer_with("word " * 200)
    agent = agent_at(service)
    before = asyncio.all_tasks()
    async with aclosing(agent.invoke("Talk.")) as run:  # type: ignore[type-var] # an iterator that can be closed
        async for event in run:
            if event.status == AgentStatus.llm_new_token:
                break
    await _until(lambda: service.requests[-1].left_at is not None)
    assert asyncio.all_tasks() == before
    assert agent.history == []


async def test_runs_at_the_same_time_do_not_mix(service: Service) -> None:
    """Each has events of its own."""
    service.answer_with(lambda body: Answer(f"to {body['messages'][-1]['content']}"), always=True)
    agent = agent_at(service)
    runs = await asyncio.gather(*(all_of(agent.invoke(f"question {place}")) for place in range(4)))
    assert [said(events) for events in runs] == [f"to question {place}" for place in range(4)]
    assert len(agent.history) == 8


@pytest.mark.parametrize("manager", [False, True])
async def test_the_callers_callbacks_hear_too(service: Service, manager: bool) -> None:
    """As a list or as a manager; the caller's own stays what it was."""

    class Ears(BaseCallbackHandler):
        """Counts the runs of models."""

        heard = 0

        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            """One begins."""
            self.heard += 1

    ears = Ears()
    callbacks: Any = AsyncCallbackManager([], inheritable_handlers=[ears]) if manager else [ears]
    config: Any = {"callbacks": callbacks}
    assert said(await all_of(agent_at(service).invoke("Hello", config)))
    assert ears.heard == 1
    assert len(callbacks.inheritable_handlers if manager else callbacks) == 1


@pytest.mark.parametrize("made", [{"type": "function", "function": {"name": "f"}}, AllToolsFinish, "shell"])
def test_a_tool_that_cannot_be_run(service: Service, made: Any) -> None:
    """It is found when the agent is made."""
    with pytest.raises((TypeError, ValueError), match=r"cannot be run|shell"):
        agent_at(service, made)


async def test_tools_that_the_service_keeps_to_itself(service: Service) -> None:
    """web_search and its like are bound, and nobody here runs them."""
    agent = agent_at(service, {"type": "web_search", "web_search": {"enable": True}})
    await all_of(agent.invoke("Hello"))
    assert service.requests[-1].body["tools"] == [{"type": "web_search", "web_search": {"enable": True}}]


def test_an_adapter_of_a_dict() -> None:
    """As it was bound; other tools have none."""
    adapter = ZhipuAIAllToolsRunnable.paser_all_tools(CODE)
    assert isinstance(adapter, CodeInterpreterAdapterAllTool)
    assert adapter.platform_params == {"sandbox": "none"}
    with pytest.raises(ValueError, match="'calendar' is no built-in tool; there are code_interpreter, "):
        ZhipuAIAllToolsRunnable.paser_all_tools({"type": "calendar"})


def test_tools_of_the_api() -> None:
    """GLM's own as they are, everything else by its schema."""
    assert [_get_assistants_tool(each) for each in (CODE, WEB, DRAWING)] == [CODE, WEB, DRAWING]
    made = _get_assistants_tool(multiply)["function"]
    assert (made["name"], made["parameters"]["required"]) == ("multiply", ["first", "second"])
    assert _get_assistants_tool(shell)["function"]["description"] == "Run a command."


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the service has a thread of its own
            await asyncio.sleep(0.01)
