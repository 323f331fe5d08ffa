"""Thinking has one meaning, whichever words say it (contract row N12)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.adaptation.profile import shipped
from glmgate.adaptation.thinking import without_thinking
from glmgate.errors import InvalidRequest
from glmgate.wire.chat import ChatRequest
from glmgate.wire.members import plain
from tests.adaptation.requests import PROFILE, chat, fitted_chat, noted
from tests.adaptation.services import GLM_SERVICES, service


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


@pytest.mark.parametrize(
    ("name", "model", "members", "body"),
    [
        ("vllm", "m", {"thinking": {"type": "enabled"}}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("zai", "glm-4.6", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
        (
            "zai",
            "glm-4.6",
            {"thinking": {"clear_thinking": False}},
            {"thinking": {"type": "disabled", "clear_thinking": False}},
        ),
        ("zai", "glm-5.2", {"reasoning_effort": "high"}, {"reasoning_effort": "none"}),
        ("zai", "glm-5.3", {"reasoning_effort": "max"}, {"reasoning_effort": "low"}),
        ("openai", "gpt-5", {"reasoning_effort": "high"}, {"reasoning_effort": "none"}),
        ("zai", "glm-4-plus", {}, {}),
        ("openai", "gpt-4o", {}, {}),
        ("generic", "m", {"chat_template_kwargs": {"a": "b"}}, {"chat_template_kwargs": {"a": "b"}}),
    ],
)
def test_a_fitted_request_can_be_had_without_thoughts(
    name: str, model: str, members: dict[str, Any], body: dict[str, Any]
) -> None:
    """Said as the service does; where it cannot be, as little of it as there is."""
    profile = service(name, model)
    request = fit(chat(**members), profile).request
    assert isinstance(request, ChatRequest)
    sent = plain(without_thinking(request, profile).request)
    words = {"thinking", "reasoning_effort", "chat_template_kwargs"}
    off = {"reasoning_effort": "none"} if name == "generic" else {}
    assert {key: value for key, value in sent.items() if key in words} == body | off


def test_only_who_asked_for_thoughts_is_told() -> None:
    """A call of ours that nobody asked to think has nothing to report."""
    profile = service("zai")
    assert without_thinking(fitted_chat(profile), profile).notes == ()
    (note,) = without_thinking(fitted_chat(profile, thinking={"type": "enabled"}), profile).notes
    assert (str(note), note.exact) == ("thinking=enabled->disabled", False)


@pytest.mark.parametrize(
    ("name", "model", "members", "body", "told"),
    [
        (
            "zai",
            "glm-4.6",
            {"chat_template_kwargs": {"enable_thinking": False}},
            {"thinking": {"type": "disabled"}},
            [],
        ),
        (
            "zai",
            "glm-4.6",
            {"chat_template_kwargs": {"enable_thinking": False}, "thinking": {"type": "enabled"}},
            {"thinking": {"type": "enabled"}},
            ["chat_template_kwargs=omitted"],
        ),
        ("zai", "glm-4.6", {"chat_template_kwargs": {"novelty": True}}, {}, ["chat_template_kwargs=omitted"]),
        ("zai", "glm-4.6", {"thinking": {"novelty": 1}}, {"thinking": {"novelty": 1}}, []),
        ("vllm", "m", {"thinking": {"novelty": 1}}, {}, ["thinking.novelty=omitted"]),
        (
            "vllm",
            "m",
            {"chat_template_kwargs": {"novelty": "text", "enable_thinking": True}},
            {"chat_template_kwargs": {"novelty": "text", "enable_thinking": True}},
            [],
        ),
        (
            "zai",
            "glm-5.2",
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
            [],
        ),
        (
            "zai",
            "glm-5.2",
            {"thinking": {"type": "disabled"}, "reasoning_effort": "high"},
            {"thinking": {"type": "disabled"}},
            ["reasoning_effort=high->disabled"],
        ),
        (
            "zai",
            "glm-5.2",
            {"thinking": {"type": "enabled"}, "reasoning_effort": "none"},
            {"thinking": {"type": "enabled"}},
            ["reasoning_effort=none->enabled"],
        ),
        ("openai", "gpt-5", {"thinking": {"type": "enabled"}}, {}, ["thinking=omitted"]),
        (
            "openai",
            "gpt-4o",
            {"reasoning_effort": "high", "thinking": {"type": "enabled", "clear_thinking": True}},
            {},
            ["reasoning_effort=omitted", "thinking=omitted", "thinking.clear_thinking=omitted"],
        ),
    ],
)
def test_words_that_stand_together(
    name: str, model: str, members: dict[str, Any], body: dict[str, Any], told: list[str]
) -> None:
    """One meaning comes of all of them, and what is not said to the service is told."""
    fitted = fit(chat(**members), service(name, model))
    words = {"thinking", "reasoning_effort", "chat_template_kwargs"}
    assert {key: value for key, value in plain(fitted.request).items() if key in words} == body
    assert noted(fitted) == told


@pytest.mark.parametrize("name", ["zai", "bigmodel", "zai-coding", "vllm", "sglang", "llama-server", "ollama"])
@pytest.mark.parametrize("model", ["glm-4.6", "glm-4.7", "glm-5"])
def test_a_small_limit_turns_thinking_off_wherever_the_model_is(name: str, model: str) -> None:
    """Contract row N13: it is the model that thinks by itself, whoever serves it, under its publisher's name too."""
    for called in (model, model.upper() if name in GLM_SERVICES else f"zai-org/{model.upper()}"):
        fitted = fit(chat(max_tokens=20), service(name, called))
        assert [str(note) for note in fitted.notes if note.field == "thinking"] in (
            ["thinking=enabled->disabled"],
            ["thinking=enabled->none"],
        )
        assert plain(fitted.request)["max_tokens"] == 20


@pytest.mark.parametrize("name", ["vllm", "sglang", "llama-server", "ollama"])
def test_a_small_limit_says_nothing_to_a_model_that_does_not_think_by_itself(name: str) -> None:
    """Its template may not know the switch."""
    assert noted(fit(chat(max_tokens=20), service(name, "some-model"))) == []


@pytest.mark.parametrize(
    ("model", "least"), [("GLM-4.7-Flash-Q4_K_M", 512), ("glm-5.1", 512), ("glm-edge-4b-chat", 0), ("glmgate-tiny", 0)]
)
@pytest.mark.parametrize("profile", ["embedded", "embedded-images"])
def test_n13_files_of_ours_that_think_by_themselves(profile: str, model: str, least: int) -> None:
    """N13: which files think long is told by their names, as their repositories give them."""
    assert shipped(profile).for_family(model).thinking.least_tokens == least
