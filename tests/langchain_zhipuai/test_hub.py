"""The hub's stand-in: two prompts, and a clear word about all others."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_zhipuai import hub


def test_the_agents_prompt() -> None:
    """System text, history, question, and behind it what tools gave."""
    asked = AIMessage("", tool_calls=[{"name": "shell", "args": {}, "id": "call_1"}])
    gave = ToolMessage("ok", tool_call_id="call_1")
    said = hub.pull(hub.AGENT).invoke(
        {"input": "now", "chat_history": [HumanMessage("before")], "agent_scratchpad": [asked, gave]}
    )
    system, before, now, *rest = said.to_messages()
    assert isinstance(system, SystemMessage)
    assert (before.content, now.content, rest) == ("before", "now", [asked, gave])


def test_the_chats_prompt_needs_nothing_but_a_question() -> None:
    """There is no history at first, and without tools nothing is in a scratchpad."""
    assert [each.type for each in hub.pull(hub.CHAT).invoke({"input": "now"}).to_messages()] == ["system", "human"]


def test_the_agents_prompt_needs_its_scratchpad() -> None:
    """Without it the model would never see what tools gave."""
    with pytest.raises(KeyError, match="agent_scratchpad"):
        hub.pull(hub.AGENT).invoke({"input": "now"})


def test_a_commit_behind_the_name_is_no_other_prompt() -> None:
    """The hub's names may have one; the keywords of the real `pull` are taken."""
    assert hub.pull(f"{hub.AGENT}:latest", api_url=None, api_key=None) == hub.pull(hub.AGENT)


def test_another_name() -> None:
    """The message names what is there and where to get others."""
    with pytest.raises(ValueError, match=r"'hwchase17/react'.*zhipuai-all-tools-agent.*LangSmith.*pull_prompt"):
        hub.pull("hwchase17/react")
