"""Messages there must be, and roles under the deployment's names."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import MissingParameter
from tests.adaptation.requests import PROFILE, chat, fitted_chat, noted

USER = {"role": "user", "content": "Hello"}


def test_a_developer_speaks_as_the_system() -> None:
    """The role has another name here (contract row N7), which is exact."""
    fitted = fit(chat(messages=[{"role": "developer", "content": "Be kind"}, USER]), PROFILE)
    assert noted(fitted) == ["messages.role=developer->system"]
    assert fitted.notes[0].exact


def test_a_function_speaks_as_a_tool() -> None:
    """The legacy role becomes a tool's (contract row C7)."""
    sent = fitted_chat(messages=[USER, {"role": "function", "name": "f", "content": "4"}])
    assert [message.role for message in sent.messages] == ["user", "tool"]


def test_no_message_is_refused() -> None:
    """The engine would answer something to nothing."""
    with pytest.raises(MissingParameter) as raised:
        fit(chat(messages=[]), PROFILE)
    assert raised.value.param == "messages"


@pytest.mark.parametrize("role", ["system", "developer"])
def test_where_only_the_system_speaks_a_turn_is_added(role: str) -> None:
    """Templates need somebody to answer (contract row N9)."""
    fitted = fit(chat(messages=[{"role": role, "content": "Say hello"}]), PROFILE)
    messages: Any = getattr(fitted.request, "messages", None)
    assert [(message.role, message.content) for message in messages] == [("system", "Say hello"), ("user", "")]
    assert "messages=user_added" in noted(fitted)


def test_several_systems_stay_where_they_are() -> None:
    """System messages anywhere are kept in their order (contract row N8)."""
    roles = ["system", "user", "system", "user"]
    sent = fitted_chat(messages=[{"role": role, "content": role} for role in roles])
    assert [message.role for message in sent.messages] == roles


def test_a_tool_without_a_call_is_accepted() -> None:
    """Applications of the GLM agents send results without the calls before them (contract 7.2)."""
    sent = fitted_chat(messages=[USER, {"role": "tool", "tool_call_id": "1", "name": "shell", "content": "a.txt"}])
    assert sent.messages[1].content == "a.txt"
