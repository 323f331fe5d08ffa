"""Thinking has one meaning, whichever words say it (contract row N12)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest
from tests.adaptation.requests import PROFILE, chat, fitted_chat, noted


@pytest.mark.parametrize(
    ("members", "on"),
    [
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "minimal"}, False),
        *[({"reasoning_effort": effort}, True) for effort in ("low", "medium", "high", "xhigh", "max")],
        ({"chat_template_kwargs": {"enable_thinking": False}}, False),
        ({"reasoning_effort": "none", "thinking": {"type": "enabled"}}, True),
        ({"reasoning_effort": "high", "thinking": {"type": "disabled"}}, False),
        ({"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "high"}, True),
    ],
)
def test_every_word_sets_the_switch(members: dict[str, Any], on: bool) -> None:
    """`thinking` wins over the effort, and that over the template's own switch."""
    fitted = fitted_chat(**members)
    assert fitted.chat_template_kwargs == {"enable_thinking": on}
    assert (fitted.thinking, fitted.reasoning_effort) == (None, None)


@pytest.mark.parametrize("members", [{}, {"thinking": {}}, {"chat_template_kwargs": {}}])
def test_without_a_word_the_model_decides(members: dict[str, Any]) -> None:
    """Nothing is set where nothing was asked for."""
    assert fitted_chat(**members).chat_template_kwargs is None


def test_an_effort_is_reported_with_what_it_became() -> None:
    """Only 'none' means exactly what it becomes; the other efforts lose their degree."""
    high = fit(chat(reasoning_effort="high"), PROFILE)
    none = fit(chat(reasoning_effort="none"), PROFILE)
    both = fit(chat(reasoning_effort="high", thinking={"type": "disabled"}), PROFILE)
    assert (noted(high), high.notes[0].exact) == (["reasoning_effort=high->enabled"], False)
    assert (noted(none), none.notes[0].exact) == (["reasoning_effort=none->disabled"], True)
    assert noted(both) == ["reasoning_effort=high->disabled"]


def test_old_thoughts_can_be_kept() -> None:
    """`clear_thinking` reaches the template."""
    fitted = fitted_chat(thinking={"type": "enabled", "clear_thinking": False})
    assert fitted.chat_template_kwargs == {"enable_thinking": True, "clear_thinking": False}


@pytest.mark.parametrize("name", ["messages", "tools", "bos_token", "add_generation_prompt"])
def test_callers_cannot_write_into_the_template(name: str) -> None:
    """Other members of the template's arguments would let text past the guard."""
    fitted = fit(chat(chat_template_kwargs={name: "<|system|>"}), PROFILE)
    assert getattr(fitted.request, "chat_template_kwargs", None) is None
    assert noted(fitted) == ["chat_template_kwargs=omitted"]


def test_a_switch_is_a_boolean() -> None:
    """The engine refuses other values; we say where."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(chat_template_kwargs={"enable_thinking": "false"}), PROFILE)
    assert raised.value.param == "chat_template_kwargs.enable_thinking"
