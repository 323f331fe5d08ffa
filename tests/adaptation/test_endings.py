"""Ends that would pass as success in silence are failures (contract rows R3, S4)."""

from __future__ import annotations

import pytest

from glmgate.errors import ContextLengthExceeded, EngineFailed
from glmgate.wire.delta import Delta
from tests.adaptation.asking import asked, calls, says
from tests.adaptation.requests import PROFILE, WEATHER, chat
from tests.adaptation.services import service

GLM = service("zai")


def test_row_r3_a_full_window_before_any_word_is_a_prompt_too_long() -> None:
    """Contract row R3: thoughts are no answer."""
    with pytest.raises(ContextLengthExceeded):
        asked(chat(), GLM, [says(reasoning="Hm.", finish="model_context_window_exceeded")])


def test_row_r3_a_full_window_after_words_is_an_end() -> None:
    """Contract row R3: the surface says it in its words."""
    outcome = asked(chat(), GLM, [says("Some", finish="model_context_window_exceeded")])
    assert (outcome.choice.content, outcome.choice.finish_reason) == ("Some", "model_context_window_exceeded")


@pytest.mark.parametrize("text", ["", "Some"])
def test_row_r3_a_broken_network_is_a_failure(text: str) -> None:
    """Contract row R3: whatever was said before."""
    with pytest.raises(EngineFailed) as raised:
        asked(chat(), GLM, [says(text, finish="network_error")])
    assert raised.value.remedy == "retry"


@pytest.mark.parametrize("reasoning", ["", "Hm."])
def test_row_s4_a_stop_without_a_word_is_a_failure(reasoning: str) -> None:
    """Contract row S4: also after thoughts."""
    with pytest.raises(EngineFailed):
        asked(chat(), GLM, [says(reasoning=reasoning)])


def test_row_s4_other_ends_may_be_silent() -> None:
    """Contract row S4: a limit, a filter, a call, or a stop string at the very beginning."""
    assert asked(chat(max_tokens=5000), GLM, [says(finish="length")]).choice.finish_reason == "length"
    assert asked(chat(), GLM, [says(finish="sensitive")]).choice.finish_reason == "sensitive"
    assert asked(chat(tools=[WEATHER]), GLM, [calls(("get_weather", "{}"))]).choice.finish_reason == "tool_calls"
    assert asked(chat(stop="x"), GLM, [says()]).choice.finish_reason == "stop"
    assert asked(chat(stop="Hello"), service("generic"), [says("Hello")]).choice.content == ""


def test_our_own_engine_may_have_nothing_to_say() -> None:
    """Its end is known to be one."""
    assert asked(chat(), PROFILE, [[Delta(finish_reason="stop")]]).choice.content == ""
