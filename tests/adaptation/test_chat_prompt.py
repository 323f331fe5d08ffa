"""Text completions at services that only chat (contract row L1)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, MissingParameter, UnsupportedValue
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.members import plain
from tests.adaptation.asking import asked, says
from tests.adaptation.requests import completion, fitted_completion, noted
from tests.adaptation.services import GLM_SERVICES, service

GLM = service("zai")


def sent(**members: object) -> dict[str, Any]:
    """What the service gets."""
    return plain(fit(completion(**members), GLM).request)


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_l1_the_prompt_is_a_turn_of_the_user(name: str) -> None:
    """Contract row L1: which is said, because a chat model answers where another goes on."""
    fitted = fit(completion(), service(name))
    assert plain(fitted.request) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Once"}],
        "thinking": {"type": "disabled"},
    }
    assert [(str(note), note.exact) for note in fitted.notes] == [("prompt=messages", False)]


def test_row_l1_the_rules_of_chats_hold() -> None:
    """Contract row L1: ranges, limits, stops, users and members that nobody knows."""
    body = sent(
        temperature=1.7, top_p=0, max_tokens=10**7, stop=["a", "b"], user="somebody", seed=1, stream=True, novelty=1
    )
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (1, 0.01, 131072)
    assert (body["stop"], body["user_id"], body["seed"]) == (["a"], "somebody", 1)
    assert (body["stream"], body["novelty"]) == (True, 1)


def test_row_l1_members_of_chats_do_not_slip_in() -> None:
    """Contract row L1: a text completion does not have them, so they are told and take nothing's place."""
    fitted = fit(completion(messages=[{"role": "system", "content": "x"}], max_completion_tokens=9**9, tools=[]), GLM)
    body = plain(fitted.request)
    assert body["messages"] == [{"role": "user", "content": "Once"}]
    assert not {"tools", "max_completion_tokens"} & body.keys()
    assert {"messages=omitted", "max_completion_tokens=omitted", "tools=omitted"} <= set(noted(fitted))


def test_row_l1_the_answer_has_no_thoughts() -> None:
    """Contract row L1: a text completion has no place for them."""
    outcome = asked(completion(), GLM, [says("upon a time", reasoning="Hm.")])
    assert (outcome.choice.content, outcome.choice.reasoning) == ("upon a time", None)


def test_row_l1_the_echo_comes_first() -> None:
    """Contract row L1: the prompt as it was, then the answer, whose stops do not see it."""
    outcome = asked(completion(echo=True, prompt="Once END ", stop="END"), GLM, [says("upon a time END")])
    assert outcome.choice.content == "Once END upon a time "


def test_row_l1_one_prompt_in_a_list_is_one() -> None:
    """Contract row L1: as clients send it."""
    assert sent(prompt=["Once"])["messages"] == [{"role": "user", "content": "Once"}]


@pytest.mark.parametrize(
    ("members", "refusal", "param"),
    [
        ({"suffix": "end"}, UnsupportedValue, "suffix"),
        ({"best_of": 3}, UnsupportedValue, "best_of"),
        ({"prompt": None}, MissingParameter, "prompt"),
        ({"prompt": [1, 2]}, InvalidRequest, "prompt"),
        ({"logprobs": 2}, UnsupportedValue, "logprobs"),
        ({"logprobs": 9}, InvalidRequest, "logprobs"),
    ],
)
def test_row_l1_what_cannot_be_is_refused(members: dict[str, Any], refusal: type[InvalidRequest], param: str) -> None:
    """Contract row L1: by the name of the member that the caller sent."""
    with pytest.raises(refusal) as raised:
        fit(completion(**members), GLM)
    assert raised.value.param == param


def test_row_l1_models_that_do_not_think_are_not_told_not_to() -> None:
    """Contract row L1: the oldest do not know the word."""
    assert "thinking" not in plain(fit(completion(), service("zai", "glm-4-plus")).request)


def test_row_l1_who_has_completions_gets_them() -> None:
    """Contract row L1: natively."""
    request = fitted_completion(service("vllm"))
    assert isinstance(request, CompletionRequest)
    assert noted(fit(completion(), service("vllm"))) == []
