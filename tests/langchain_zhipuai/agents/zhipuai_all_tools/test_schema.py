"""What a run tells, as JSON and back."""

from __future__ import annotations

import json

import pytest

from langchain_zhipuai.agents.zhipuai_all_tools import (
    AllToolsAction,
    AllToolsActionToolEnd,
    AllToolsActionToolStart,
    AllToolsBaseComponent,
    AllToolsFinish,
    AllToolsLLMStatus,
    MsgType,
)
from langchain_zhipuai.callbacks import AgentStatus

EVENTS = [
    AllToolsAction(run_id="1", status=AgentStatus.agent_action, tool="shell", tool_input={"n": 1, "s": "你"}, log=""),
    AllToolsFinish(run_id="1", status=AgentStatus.agent_finish, return_values={"output": "Hello"}, log=""),
    AllToolsActionToolStart(run_id="1", status=AgentStatus.tool_start, tool="shell"),
    AllToolsActionToolEnd(run_id="1", status=AgentStatus.tool_end, tool="shell", tool_output="ok"),
    AllToolsLLMStatus(run_id="1", status=AgentStatus.llm_end, text="Hello"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.class_name())
def test_it_comes_back_from_json(event: AllToolsBaseComponent) -> None:
    """Its class is named, its status is a number, and the text is readable."""
    told = json.loads(event.to_json())
    assert told["class_name"] == type(event).__name__
    assert told["status"] == event.status
    assert type(event).from_json(event.to_json()) == event


def test_a_dict_is_left_as_it_is() -> None:
    """Reading takes nothing out of it; keywords win over its members."""
    told = EVENTS[-1].to_dict()
    again = AllToolsLLMStatus.from_dict(told, text="other")
    assert (again.text, told["class_name"], told["text"]) == ("other", "AllToolsLLMStatus", "Hello")


def test_a_message_is_a_text() -> None:
    """Unless it says otherwise."""
    assert EVENTS[-1].to_dict()["message_type"] == MsgType.TEXT
