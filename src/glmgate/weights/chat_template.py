"""Which chat template a model is run with: the user's, one of ours for its family, or the one in its file.

Decides by what the file's header says; the texts are package data in `templates`. What a template makes of a
conversation is the engine's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

from glmgate.weights.gguf import GgufFacts

Family = Literal["glm-4", "glm-z1", "glm-edge", "glm-4.6", "glm-4.7", "glm-5"]
Source = Literal["setting", "glmgate", "file", "engine"]

# Names of architectures as llama.cpp writes them (engine facts 2). GLM-4.7-Flash is a `deepseek2`, so an architecture
# alone says nothing: the marks of the roles have to be among the special tokens too.
_ARCHITECTURES: Final = frozenset({"chatglm", "glm4", "glm4moe", "glm-dsa", "deepseek2"})
_ROLES: Final = frozenset({"<|user|>", "<|assistant|>"})
# The vocabularies of GLM-Edge (59,264) and of glm-4-9b-chat (151,552), which share an architecture.
_EDGE_VOCABULARY: Final = 100_000
# Where a template writes the prompt of the answer.
_END_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """The template that a model is run with.

    `source` says whose it is: the user's setting, ours, the file's own, or (where the file has none) the engine's own
    guess. `name` is the family for one of ours, else None. `text` is what the engine is given; None leaves the engine
    to the file.
    """

    source: Source
    name: Family | None = None
    text: str | None = None

    @property
    def described(self) -> str:
        """One or two words for a log line and a list of models."""
        return f"{self.name} of glmgate" if self.name else {"setting": "as set", "file": "own"}.get(self.source, "none")


def template_of(facts: GgufFacts, *, override: str | None = None, keep: bool = False) -> TemplateChoice:
    """The template for the model with these facts.

    `override` is the text of a template that the user set and wins over everything. `keep` leaves the file its own.
    """
    if override is not None:
        return TemplateChoice("setting", text=override)
    if not keep and (family := family_of(facts)) is not None:
        return TemplateChoice("glmgate", family, text_of(family))
    return TemplateChoice("file" if facts.chat_template else "engine")


def text_of(family: Family) -> str:
    """The text of our template for a family."""
    return (resources.files(__package__) / "templates" / f"{family}.jinja").read_text(encoding="utf-8")


def family_of(facts: GgufFacts) -> Family | None:
    """The GLM family whose format the model speaks; None for every other, and for GLM models that we do not know."""
    if facts.architecture not in _ARCHITECTURES or not set(facts.control_tokens) >= _ROLES:
        return None
    return _by_tokens(facts) if facts.chat_template is None else _by_marks(facts.chat_template, facts.architecture)


def _by_marks(template: str, architecture: str) -> Family | None:
    """By what the families' published templates have and others have not.

    `reasoning_effort` came with GLM-5.2 and `defer_loading` with GLM-5.1, whose formats differ; GLM-4.1V thinks and
    answers between marks of its own; our own small model was trained on a format of its own.
    """
    if any(mark in template for mark in ("glmgate", "reasoning_effort", "defer_loading", "<answer>")):
        return None
    if "<arg_key>" in template:
        return _since_2025(template, architecture)
    if "[gMASK]" in template:
        return _of_2024(template)
    return "glm-edge" if architecture == "chatglm" and "<|assistant|>" in template else None


def _since_2025(template: str, architecture: str) -> Family | None:
    """GLM-4.5 and later: up to 4.6 thinking is turned off by a word, afterwards only by a mark."""
    if "/nothink" in template:
        return "glm-4.6"
    if "</think>" not in template:
        return None
    return "glm-5" if architecture == "glm-dsa" else "glm-4.7"


def _of_2024(template: str) -> Family | None:
    """GLM-4 and Z1, whose templates list tools under a Chinese heading; Z1's opens a thought, Rumination's does not."""
    if "可用工具" not in template:
        return None
    if "</think>" not in template:
        return "glm-4"
    return "glm-z1" if "<think>" in template[-_END_CHARACTERS:] else None


def _by_tokens(facts: GgufFacts) -> Family | None:
    """For a file without a template: by architecture and special tokens, where they leave no doubt."""
    tokens = set(facts.control_tokens)
    if facts.architecture == "chatglm":
        return "glm-edge" if facts.vocabulary < _EDGE_VOCABULARY else "glm-4"
    if facts.architecture == "glm4":
        return None if "<think>" in tokens else "glm-4"
    if "<arg_key>" not in tokens:
        return None
    # A `glm4moe` without a template may be GLM-4.5, 4.6 or 4.7, a `glm-dsa` GLM-5 or a later one: no guess.
    return "glm-4.7" if facts.architecture == "deepseek2" else None
