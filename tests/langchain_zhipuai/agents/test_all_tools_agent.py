"""The executor, in front of a strict service: functions, built-in tools, and when a run is over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tools import BaseTool, tool

from langchain_zhipuai import hub
from langchain_zhipuai.actions import BuiltInAgentAction
from langchain_zhipuai.agent_toolkits import BaseToolOutput, CodeInterpreterAdapterAllTool, CodeNotRun, OutputsMissing
from langchain_zhipuai.agents.all_tools_agent import ZhipuAiAllToolsAgentExecutor
from langchain_zhipuai.agents.all_tools_bind import create_zhipuai_tools_agent
from langchain_zhipuai.agents.zhipuai_all_tools.base import _get_assistants_tool
from tests.langchain_zhipuai.agents.stage import CODE, CODE_THERE, DRAWING, IMAGE, LOGS, PAGE, WEB, messages, model_at
from tests.services import Answer, ScriptedCall, ScriptedTool, Service


@tool
def shell(query: str) -> BaseToolOutput:
    """Run a command."""
    return BaseToolOutput(f"ran {query}", query=query)


def executor_at(
    service: Service, *, tools: Sequence[BaseTool] = (shell,), **members: Any
) -> ZhipuAiAllToolsAgentExecutor:
    """An executor whose model knows all tools."""
    bound = [*(_get_assistants_tool(each) for each in tools if each.name == "shell"), CODE, WEB, DRAWING]
    agent = create_zhipuai_tools_agent(hub.pull(hub.AGENT), model_at(service).bind(tools=bound))
    return ZhipuAiAllToolsAgentExecutor(agent=agent, tools=list(tools), return_intermediate_steps=True, **members)


async def asked(executor: ZhipuAiAllToolsAgentExecutor, *, asynchronous: bool) -> dict[str, Any]:
    """What a question gives, through either side."""
    inputs = {"input": "Do it.", "chat_history": []}
    return await (executor.ainvoke(inputs) if asynchronous else asyncio.to_thread(executor.invoke, inputs))


@pytest.fixture(params=[False, True], ids=["blocking", "asynchronous"])
def asynchronous(request: pytest.FixtureRequest) -> bool:
    """Both sides do the same."""
    side: bool = request.param
    return side


async def test_a_function_is_called_and_the_model_asked_again(service: Service, asynchronous: bool) -> None:
    """The value stays what it was in the steps, and is a text for the model."""
    call = ScriptedCall("shell", {"query": "ls"})
    service.answer_with(Answer("", calls=(call, ScriptedCall("shell", {"query": "pwd"}))), "Done.")
    result = await asked(executor_at(service), asynchronous=asynchronous)
    assert result["output"] == "Done."
    given = [observation for _, observation in result["intermediate_steps"]]
    assert [each.extras for each in given] == [{"query": "ls"}, {"query": "pwd"}]
    *_, said, first, second = messages(service)
    assert [call["function"]["name"] for call in said["tool_calls"]] == ["shell", "shell"]
    assert [(each["tool_call_id"], each["content"]) for each in (first, second)] == [
        (said["tool_calls"][0]["id"], "ran ls"),
        (said["tool_calls"][1]["id"], "ran pwd"),
    ]
    assert service.ignored == []


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (ScriptedTool("web_browser", "cats", (PAGE,)), "Cats\nhttp://example.org/cats\nThey purr."),
        (ScriptedTool("drawing_tool", "a cat", (IMAGE,)), "http://example.org/cat.png"),
    ],
    ids=["web_browser", "drawing_tool"],
)
async def test_browsing_and_drawing_end_a_run(
    service: Service, call: ScriptedTool, shown: str, asynchronous: bool
) -> None:
    """At once, on both sides: the model is asked once. No adapter need be among the tools."""
    service.answer_with(Answer("", calls=(call, call)))
    result = await asked(executor_at(service), asynchronous=asynchronous)
    assert result["output"] == f"{shown}\n\n{shown}"
    assert len(service.requests) == 1
    assert [action.tool for action, _ in result["intermediate_steps"]] == [call.kind, call.kind]


async def test_what_was_said_beside_the_pages_is_said(service: Service, asynchronous: bool) -> None:
    """Neither the text nor what the tool gave is lost."""
    service.answer_with(Answer("Here it is.", calls=(ScriptedTool("drawing_tool", "a cat", (IMAGE,)),)))
    result = await asked(executor_at(service), asynchronous=asynchronous)
    assert result["output"] == "Here it is.\n\nhttp://example.org/cat.png"


async def test_another_tool_beside_them_goes_on(service: Service, asynchronous: bool) -> None:
    """The model has not seen what the function gave."""
    both = (ScriptedTool("web_browser", "cats", (PAGE,)), ScriptedCall("shell", {"query": "ls"}))
    service.answer_with(Answer("", calls=both), "Done.")
    result = await asked(executor_at(service), asynchronous=asynchronous)
    assert (result["output"], len(service.requests), len(result["intermediate_steps"])) == ("Done.", 2, 2)
    assert {message["content"] for message in messages(service) if message["role"] == "tool"} == {
        "Cats\nhttp://example.org/cats\nThey purr.",
        "ran ls",
    }


async def test_code_that_the_service_has_run_is_told_back(service: Service, asynchronous: bool) -> None:
    """The model says what it means."""
    service.answer_with(Answer("", calls=(ScriptedTool("code_interpreter", "6 * 7", (LOGS,)),)), "It is 42.")
    executor = executor_at(service)
    executor.agent.runnable.steps[2].kwargs["tools"][1] = CODE_THERE  # type: ignore[union-attr] # the bound model
    result = await asked(executor, asynchronous=asynchronous)
    assert result["output"] == "It is 42."
    assert messages(service)[-1]["content"] == "42\n"


async def test_an_answer_that_stands_beside_the_code_is_the_end(service: Service, asynchronous: bool) -> None:
    """Asked again, the model would say it twice."""
    calls = (ScriptedTool("code_interpreter", "6 * 7", (LOGS,)),)
    service.answer_with(Answer("It is 42.", calls=calls, finish="stop"))
    executor = executor_at(service)
    executor.agent.runnable.steps[2].kwargs["tools"][1] = CODE_THERE  # type: ignore[union-attr] # the bound model
    result = await asked(executor, asynchronous=asynchronous)
    assert (result["output"], len(service.requests)) == ("It is 42.", 1)
    assert [str(given) for _, given in result["intermediate_steps"]] == ["42\n"]


@pytest.mark.parametrize("where", ["executor", "adapter"])
async def test_code_runs_where_the_user_said(service: Service, where: str, asynchronous: bool) -> None:
    """Named for the executor or for its adapter."""
    service.answer_with(Answer("", calls=(ScriptedTool("code_interpreter", "6 * 7"),)), "Done.")
    ran: list[str] = []

    def run(code: str) -> str:
        ran.append(code)
        return "42"

    if where == "executor":
        executor = executor_at(service, code_executor=run)
    else:
        adapter = CodeInterpreterAdapterAllTool(platform_params={"sandbox": "none"}, executor=run)
        executor = executor_at(service, tools=[shell, adapter])
    result = await asked(executor, asynchronous=asynchronous)
    assert (ran, result["output"]) == (["6 * 7"], "Done.")
    assert messages(service)[-1]["content"] == "42"


@pytest.mark.parametrize("adapted", [False, True])
async def test_code_without_an_executor_is_an_error(service: Service, asynchronous: bool, adapted: bool) -> None:
    """With an adapter among the tools or without; it is never run in this process."""
    service.answer_with(Answer("", calls=(ScriptedTool("code_interpreter", "import os"),)))
    adapter = CodeInterpreterAdapterAllTool(platform_params={"sandbox": "none"})
    tools = [shell, adapter] if adapted else [shell]
    with pytest.raises(CodeNotRun, match="import os"):
        await asked(executor_at(service, tools=tools), asynchronous=asynchronous)


async def test_an_executor_named_for_the_run_serves_an_adapter_without_one(service: Service) -> None:
    """It is one word for all code."""
    service.answer_with(Answer("", calls=(ScriptedTool("code_interpreter", "6 * 7"),)), "Done.")
    adapter = CodeInterpreterAdapterAllTool(platform_params={"sandbox": "none"})
    executor = executor_at(service, tools=[shell, adapter], code_executor=lambda code: f"ran {code}")
    await asked(executor, asynchronous=True)
    assert messages(service)[-1]["content"] == "ran 6 * 7"
    assert adapter.executor is None


async def test_code_for_the_service_s_sandbox_is_never_run_here(service: Service, asynchronous: bool) -> None:
    """Though somebody is named to run code: the adapter says whose the code is."""
    service.answer_with(Answer("", calls=(ScriptedTool("code_interpreter", "6 * 7"),)))
    ran: list[str] = []
    adapter = CodeInterpreterAdapterAllTool(platform_params={"sandbox": "auto"})

    def run(code: str) -> str:
        ran.append(code)
        return "42"

    executor = executor_at(service, tools=[shell, adapter], code_executor=run)
    with pytest.raises(OutputsMissing, match=r"'6 \* 7'"):
        await asked(executor, asynchronous=asynchronous)
    assert ran == []


async def test_a_built_in_tool_without_outputs(service: Service, asynchronous: bool) -> None:
    """The service was to send them."""
    service.answer_with(Answer("", calls=(ScriptedTool("web_browser", "cats"),)))
    with pytest.raises(OutputsMissing, match="'cats'"):
        await asked(executor_at(service), asynchronous=asynchronous)


async def test_a_tool_that_nobody_has(service: Service, asynchronous: bool) -> None:
    """As in LangChain's executor: the model is told which there are."""
    service.answer_with(Answer("", calls=(ScriptedCall("shell", {"query": "ls"}),)), "Done.")
    executor = executor_at(service)
    executor.tools = [shell.model_copy(update={"name": "other"})]
    result = await asked(executor, asynchronous=asynchronous)
    assert result["intermediate_steps"][0][1] == "shell is not a valid tool, try one of [other]."


async def test_iterations_are_bounded(service: Service, asynchronous: bool) -> None:
    """As in LangChain's executor."""
    service.answer_with(Answer("", calls=(ScriptedCall("shell", {"query": "ls"}),)), always=True)
    result = await asked(executor_at(service, max_iterations=2), asynchronous=asynchronous)
    assert (len(service.requests), len(result["intermediate_steps"])) == (2, 2)
    assert "stopped" in result["output"]


async def test_a_broken_call_goes_back_to_the_model(service: Service, asynchronous: bool) -> None:
    """With `handle_parsing_errors`; without, it is an error that says so."""
    broken = Answer("", calls=(ScriptedCall("shell", '{"query": '),))
    service.answer_with(broken, "Done.", broken)
    result = await asked(executor_at(service, handle_parsing_errors=True), asynchronous=asynchronous)
    assert result["output"] == "Done."
    assert "no JSON object" in messages(service)[-1]["content"]
    with pytest.raises(ValueError, match="'shell' are no JSON object"):
        await asked(executor_at(service), asynchronous=asynchronous)


def test_steps_are_streamed(service: Service) -> None:
    """The end that a built-in tool brings is the last chunk, with its steps."""
    service.answer_with(
        Answer("", calls=(ScriptedCall("shell", {"query": "ls"}),)),
        Answer("", calls=(ScriptedTool("drawing_tool", "a cat", (IMAGE,)),)),
    )
    chunks = list(executor_at(service).stream({"input": "Do it.", "chat_history": []}))
    assert chunks[-1]["output"] == "http://example.org/cat.png"
    assert [action.tool for action, _ in chunks[-1]["intermediate_steps"]] == ["shell", "drawing_tool"]


def test_callbacks_hear_of_built_in_tools(service: Service) -> None:
    """Of the action as it is, and of its tool."""

    class Ears(BaseCallbackHandler):
        """Writes down what it hears."""

        def __init__(self) -> None:
            self.heard: list[Any] = []

        def on_agent_action(self, action: Any, **kwargs: Any) -> None:
            """An action."""
            self.heard.append(action)

        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            """What a tool gave."""
            self.heard.append(str(output))

    service.answer_with(Answer("", calls=(ScriptedTool("drawing_tool", "a cat", (IMAGE,)),)))
    ears = Ears()
    executor_at(service).invoke({"input": "Draw."}, {"callbacks": [ears]})
    action, given = ears.heard
    assert isinstance(action, BuiltInAgentAction)
    assert (action.tool_input, given) == ("a cat", "http://example.org/cat.png")
