"""An agent of a prompt and a model."""

from __future__ import annotations

import pytest
from langchain_classic.agents.output_parsers.tools import ToolAgentAction
from langchain_core.agents import AgentFinish
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

from langchain_zhipuai import hub
from langchain_zhipuai.agents.all_tools_bind import create_zhipuai_tools_agent
from tests.langchain_zhipuai.agents.stage import messages, model_at
from tests.services import running

MODEL = FakeListChatModel(responses=["Hi"])


def test_steps_are_told_behind_the_question() -> None:
    """The agent reads the history, the question, and what its tools have given."""
    with running("bigmodel") as service:
        agent = create_zhipuai_tools_agent(prompt=hub.pull(hub.AGENT), llm_with_all_tools=model_at(service))
        step = ToolAgentAction(
            tool="shell", tool_input={"query": "ls"}, log="", message_log=[AIMessage("")], tool_call_id="call_1"
        )
        finish = agent.invoke({"input": "What is here?", "intermediate_steps": [(step, "a.txt")]})
        assert isinstance(finish, AgentFinish)
        assert finish.return_values["output"] == "Hello from the service."
        assert [message["role"] for message in messages(service)] == ["system", "user", "assistant", "tool"]


@pytest.mark.parametrize("optional", [False, True])
def test_a_prompt_with_a_scratchpad_is_taken(optional: bool) -> None:
    """Whether it must be filled or may be."""
    place = MessagesPlaceholder("agent_scratchpad", optional=optional)
    agent = create_zhipuai_tools_agent(ChatPromptTemplate.from_messages([("human", "{input}"), place]), MODEL)
    finish = agent.invoke({"input": "Hello", "intermediate_steps": []})
    assert isinstance(finish, AgentFinish)
    assert finish.return_values == {"output": "Hi"}


def test_a_prompt_without_a_scratchpad() -> None:
    """The model would ask for the same tool for ever; the message says what to add."""
    prompt = ChatPromptTemplate.from_messages([("human", "{input}")])
    with pytest.raises(ValueError, match=r"no 'agent_scratchpad', only \['input'\]; add MessagesPlaceholder"):
        create_zhipuai_tools_agent(prompt, MODEL)
