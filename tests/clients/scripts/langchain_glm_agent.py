"""Stories of langchain_glm, the old package of the migration page, with its agent. Arguments: base URL, key.

What each story must give is in `tests/clients/test_langchain_glm.py`. The package's prompts are remote, so others of
the same form stand in for them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import redirect_stdout
from functools import partial
from typing import Any

from langchain import hub  # type: ignore[attr-defined]  # of 0.2; that of the tests is newer
from langchain.agents import tool  # type: ignore[attr-defined]  # likewise
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_glm import ChatZhipuAI
from langchain_glm.agent_toolkits import BaseToolOutput
from langchain_glm.agents.all_tools_agent import ZhipuAiAllToolsAgentExecutor
from langchain_glm.agents.all_tools_bind.base import create_zhipuai_tools_agent
from langchain_glm.agents.zhipuai_all_tools import ZhipuAIAllToolsRunnable
from langchain_glm.agents.zhipuai_all_tools.base import _get_assistants_tool
from langchain_glm.embeddings.base import ZhipuAIEmbeddings

from tests.clients.scripts.telling import Story, tell

BASE_URL, KEY = sys.argv[1:3]
# The agent's factory takes neither.
os.environ |= {"ZHIPUAI_API_KEY": KEY, "ZHIPUAI_API_BASE": BASE_URL}
AUTO = {"type": "code_interpreter", "code_interpreter": {"sandbox": "auto"}}
NONE = {"type": "code_interpreter", "code_interpreter": {"sandbox": "none"}}
BROWSER = {"type": "web_browser"}
DRAWING = {"type": "drawing_tool"}
PROMPT = ChatPromptTemplate.from_messages(
    [
        ("system", "Use the tools."),
        MessagesPlaceholder("chat_history", optional=True),
        ("human", "{input}"),
        MessagesPlaceholder("agent_scratchpad", optional=True),
    ]
)
hub.pull = lambda _: PROMPT


@tool
def shell(query: str) -> Any:
    """Use Shell to execute system shell commands."""
    return BaseToolOutput(f"ran {query}")


def executed(said: str, model: str) -> dict[str, Any]:
    """The page's flow: the agent of an executor, with a function and all built-in tools."""
    llm = ChatZhipuAI(api_key=KEY, base_url=BASE_URL, model=model, max_retries=0, max_tokens=64)
    bound = llm.bind(tools=[_get_assistants_tool(shell), NONE, BROWSER, DRAWING])
    agent = create_zhipuai_tools_agent(prompt=PROMPT, llm_with_all_tools=bound)
    executor = ZhipuAiAllToolsAgentExecutor(agent=agent, tools=[shell], return_intermediate_steps=True)
    told = executor.invoke({"input": said, "chat_history": []})
    steps = [(action.tool, action.tool_input, str(out)) for action, out in told["intermediate_steps"]]
    return {"output": told["output"], "steps": steps}


def streamed(said: str, *tools: dict[str, Any]) -> dict[str, Any]:
    """The sum of a stream's chunks, as the model's class adds them, and the pieces that it saw."""
    llm = ChatZhipuAI(api_key=KEY, base_url=BASE_URL, model="glm-4-alltools", max_retries=0)
    chunks = list(llm.bind(tools=list(tools)).stream(said))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return {
        "classes": sorted({type(chunk).__name__ for chunk in chunks}),
        "content": total.content,
        "pieces": [dict(piece) for piece in total.tool_call_chunks],
        "calls": [dict(call) for call in total.tool_calls],
    }


def run(said: str, *tools: Any) -> list[dict[str, Any]]:
    """What the agent of all tools tells on its way, in the order in which it does."""

    async def told() -> list[dict[str, Any]]:
        runnable = ZhipuAIAllToolsRunnable.create_agent_executor(model_name="glm-4-alltools", tools=list(tools))
        return [{"class": type(each).__name__, **each.model_dump()} async for each in runnable.invoke(chat_input=said)]

    return asyncio.run(told())


def vectors() -> list[int]:
    """The page's text and its size."""
    return [len(vector) for vector in ZhipuAIEmbeddings(base_url=BASE_URL).embed_documents(["foo bar"])]


STORIES: dict[str, Any] = {
    "plain": lambda: ChatZhipuAI(base_url=BASE_URL, max_tokens=24, max_retries=0).invoke("Hello").content,
    "executor": partial(executed, "List the files.", "glm-4"),
    "executor_all_tools": partial(executed, "List the files.", "glm-4-alltools"),
    "stream": partial(streamed, "Compute.", AUTO),
    "stream_everything": partial(streamed, "Everything.", AUTO, BROWSER, DRAWING, _get_assistants_tool(shell)),
    "code": partial(run, "Compute.", AUTO),
    "code_here": partial(run, "Compute.", NONE),
    "short_code_here": partial(run, "Short.", NONE),
    "browser": partial(run, "Search.", BROWSER),
    "drawing": partial(run, "Draw.", DRAWING),
    "function": partial(run, "List the files.", shell, AUTO),
    "embeddings": vectors,
}


def unseen(story: Story) -> object:
    """A story without what the agent prints on its way: standard output is the report's."""
    with redirect_stdout(sys.stderr):
        return story()


if __name__ == "__main__":
    # It logs what it catches, with tracebacks; the report has it.
    logging.disable(logging.CRITICAL)
    tell({name: partial(unseen, STORIES[name]) for name in sys.argv[3:] or STORIES})
