"""Which chat template a model is run with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from bench.random_model import TINY, write
from glmgate.weights.builtin import builtin_models
from glmgate.weights.chat_template import Family, TemplateChoice, family_of, template_of, text_of
from glmgate.weights.gguf import GgufFacts, read_facts

FAMILIES: tuple[Family, ...] = get_args(Family)
# What each family's published template has and others have not, in templates of our own.
GLM_4 = (
    "[gMASK]<sop>{% if tools %}<|system|>\n# 可用工具{% endif %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
GLM_Z1 = (
    "[gMASK]<sop>{% if tools %}<|system|>\n# 可用工具{% endif %}{{ content.split('</think>')[-1] }}"
    "{% if add_generation_prompt %}<|assistant|>\n<think>{% endif %}"
)
RUMINATION = "[gMASK]<sop>{{ content.split('</think>')[-1] }}{% if add_generation_prompt %}<|assistant|>{% endif %}"
GLM_EDGE = "{% for item in messages %}<|user|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
GLM_46 = "[gMASK]<sop><arg_key>{{ '/nothink' if not enable_thinking }}</think>"
GLM_47 = "[gMASK]<sop><arg_key>{% if clear_thinking is defined %}<think>{% endif %}</think>"
GLM_51 = GLM_47 + "{{ tool.defer_loading }}"
GLM_52 = GLM_47 + "Reasoning Effort: {{ reasoning_effort }}"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of GLM's architecture and tokens, with a template that is nobody's."""
    return write(tmp_path_factory.mktemp("weights") / "random.gguf", TINY, template="{{ messages }}")


@pytest.fixture(scope="module")
def facts(file: Path) -> GgufFacts:
    """What it says."""
    return read_facts(file)


@pytest.mark.parametrize(
    ("architecture", "template", "family"),
    [
        ("glm4", GLM_4, "glm-4"),
        ("chatglm", GLM_4, "glm-4"),
        ("glm4", GLM_Z1, "glm-z1"),
        ("chatglm", GLM_EDGE, "glm-edge"),
        ("glm4", GLM_46, "glm-4.6"),
        ("glm4moe", GLM_46, "glm-4.6"),
        ("glm4moe", GLM_47, "glm-4.7"),
        ("deepseek2", GLM_47, "glm-4.7"),
        ("glm-dsa", GLM_47, "glm-5"),
    ],
)
def test_a_family_is_known_by_the_marks_in_the_files_own_template(
    facts: GgufFacts, architecture: str, template: str, family: Family
) -> None:
    """Several families share an architecture, and one family has two."""
    assert family_of(replace(facts, architecture=architecture, chat_template=template)) == family


@pytest.mark.parametrize(
    ("architecture", "template"),
    [
        ("glm4", RUMINATION),
        ("glm4", GLM_46 + "<answer>"),
        ("glm4", GLM_EDGE),
        ("glm-dsa", GLM_51),
        ("glm-dsa", GLM_52),
        ("llama", GLM_46),
        ("deepseek2", "{{ messages }}"),
    ],
)
def test_what_we_do_not_know_keeps_the_files_own(facts: GgufFacts, architecture: str, template: str) -> None:
    """Also a GLM whose format is another."""
    assert template_of(replace(facts, architecture=architecture, chat_template=template)) == TemplateChoice("file")


def test_an_architecture_without_the_tokens_of_glm_is_another_model(facts: GgufFacts) -> None:
    """DeepSeek's own models have the architecture of GLM-4.7-Flash."""
    stranger = replace(facts, architecture="deepseek2", chat_template=GLM_47, control_tokens=("<|user|>",))
    assert family_of(stranger) is None


@pytest.mark.parametrize(
    ("architecture", "vocabulary", "thinks", "family"),
    [
        ("chatglm", 59_264, False, "glm-edge"),
        ("chatglm", 151_552, False, "glm-4"),
        ("glm4", 151_552, False, "glm-4"),
        ("glm4", 151_552, True, None),
        ("deepseek2", 154_880, True, "glm-4.7"),
        ("glm4moe", 151_552, True, None),
        ("glm-dsa", 154_880, True, None),
    ],
)
def test_a_file_without_a_template_is_judged_by_its_tokens(
    facts: GgufFacts, architecture: str, vocabulary: int, thinks: bool, family: Family | None
) -> None:
    """Where they leave a doubt, it is left to the engine."""
    tokens = facts.control_tokens if thinks else ("<|user|>", "<|assistant|>", "<|observation|>")
    bare = replace(
        facts, architecture=architecture, vocabulary=vocabulary, chat_template=None, control_tokens=tuple(tokens)
    )
    choice = template_of(bare)
    assert choice.name == family
    assert choice.source == ("glmgate" if family else "engine")


@pytest.mark.parametrize("template", [GLM_46, "{{ messages }}", None])
def test_the_users_template_wins(facts: GgufFacts, template: str | None) -> None:
    """Over ours and over the file's."""
    choice = template_of(replace(facts, chat_template=template), override="mine")
    assert choice == TemplateChoice("setting", text="mine")
    assert choice.described == "as set"


def test_the_files_own_is_kept_where_the_user_says_so(facts: GgufFacts) -> None:
    """Although there is one of ours."""
    choice = template_of(replace(facts, chat_template=GLM_46), keep=True)
    assert (choice, choice.described) == (TemplateChoice("file"), "own")


def test_our_own_model_keeps_the_format_that_it_was_trained_on() -> None:
    """It has the architecture and the tokens of GLM-4.6, but words of its own around the tools."""
    (chat,) = (model for model in builtin_models() if model.kind == "chat")
    assert template_of(read_facts(chat.path)) == TemplateChoice("file")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_choice_brings_the_text_and_tells_its_name(facts: GgufFacts, family: Family) -> None:
    """For the engine, and for a log line."""
    templates = {"glm-4": GLM_4, "glm-z1": GLM_Z1, "glm-edge": GLM_EDGE, "glm-4.6": GLM_46}
    architecture = {"glm-edge": "chatglm", "glm-5": "glm-dsa"}.get(family, "glm4")
    choice = template_of(replace(facts, architecture=architecture, chat_template=templates.get(family, GLM_47)))
    assert choice == TemplateChoice("glmgate", family, text_of(family))
    assert choice.described == f"{family} of glmgate"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_template_says_where_its_facts_come_from(family: Family) -> None:
    """At its head, for who compares it with the next version of a format."""
    assert "Facts of the format:" in text_of(family).split("-#}")[0]
