"""The agent of LangChain 1.x with our model: a loop of tools runs to its answer, through GLM and the built-in model."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_zhipuai import ChatZhipuAI
from tests.langchain_zhipuai.standard.conftest import Chain
from tests.stories.served import Served

# A connection of an event loop that a test has closed is nobody's: each answer ends its own.
ENDS = {"Connection": "close"}


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"Sunny in {city}, 21 degrees."


class Customer(BaseModel):
    """A customer."""

    customer_name: str


def asked(words: str) -> Any:
    """What an agent is asked with."""
    return {"messages": [("user", words)]}


def of_chain(chain: Chain, **members: Any) -> ChatZhipuAI:
    """A model of the service, through the server."""
    return ChatZhipuAI(
        model="glm-4.6", base_url=chain.served.base("/v1"), api_key=chain.served.key, headers=ENDS, **members
    )


def test_a_loop_of_tools_runs_to_its_answer(chain: Chain) -> None:
    """The call, its result, the answer; the thoughts of the first step are there in the second."""
    agent = create_agent(of_chain(chain), [get_weather], system_prompt="You are a weather service.")
    chain.service.requests.clear()
    messages = agent.invoke(asked("What is the weather in Paris?"))["messages"]
    assert [type(message).__name__ for message in messages] == ["HumanMessage", "AIMessage", "ToolMessage", "AIMessage"]
    assert messages[1].tool_calls[0]["args"] == {"city": "Paris"}
    assert messages[-1].text == "The tool says: Sunny in Paris, 21 degrees."
    assert chain.service.bodies[1]["messages"][2]["reasoning_content"] == "The user wants me to use a tool. "


async def test_it_streams_without_blocking(chain: Chain) -> None:
    """Words of the answer come one after the other."""
    agent = create_agent(of_chain(chain), [get_weather])
    words = [
        message.text
        async for message, _ in agent.astream(asked("What is the weather in Paris?"), stream_mode="messages")
        if isinstance(message, AIMessage) and message.text
    ]
    assert len(words) > 5
    assert "".join(words) == "The tool says: Sunny in Paris, 21 degrees."


@pytest.mark.parametrize("strategy", [ToolStrategy, ProviderStrategy])
def test_its_answer_may_have_a_form(chain: Chain, strategy: type[ToolStrategy[Customer]]) -> None:
    """By a tool, or by the service's own `json_schema`, which glmgate enforces."""
    agent = create_agent(of_chain(chain), [], response_format=strategy(Customer))
    answer = agent.invoke(asked("Create a customer named 'Ann'."))
    assert isinstance(answer["structured_response"], Customer)


@pytest.mark.engine
def test_the_built_in_model_runs_the_loop_too(built_in: Served) -> None:
    """Two million parameters call the right tool for the right city, and tell what it said."""
    model = ChatZhipuAI(
        base_url=built_in.base("/v1"), api_key=built_in.key, temperature=0, thinking=False, headers=ENDS
    )
    messages = create_agent(model, [get_weather]).invoke(asked("What is the weather in Paris?"))["messages"]
    _, call, result, answer = messages
    assert call.tool_calls[0]["args"] == {"city": "Paris"}
    assert isinstance(result, ToolMessage)
    assert "Sunny in Paris" in answer.text or "sunny" in answer.text.lower()
