"""Tests of what fits: which change makes a model fit the memory, told so that it can be typed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from glmgate.engines.embedded.fitting import advice, kind_of, smaller_file
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.weights.fit import need
from glmgate.weights.gguf import GgufFacts

# A model of the size of GLM-4-9B in four bits: 40 layers, 2 heads of keys and values of 128 each.
FACTS = GgufFacts(
    path=Path("m.gguf"),
    file_bytes=6_310_000_000,
    architecture="chatglm",
    name=None,
    file_type=15,
    context_length=131_072,
    embedding_length=4096,
    layers=40,
    kv_heads=(2,) * 40,
    key_length=128,
    value_length=128,
    vocabulary=151_552,
    pooling=-1,
    chat_template=None,
    control_tokens=(),
)
LONG = EmbeddedSettings(context=32_768, parallel=4)


def told(budget: int, settings: EmbeddedSettings = LONG) -> str:
    """What is said of a model that does not fit."""
    text = advice("m", FACTS, settings, budget_bytes=budget)
    assert text is not None
    return text


def test_what_fits_needs_no_advice() -> None:
    """Right up to the budget."""
    total = need(FACTS, context=32_768, slots=4).total
    assert advice("m", FACTS, LONG, budget_bytes=total) is None
    assert advice("m", FACTS, LONG, budget_bytes=total - 1) is not None


def test_the_nearest_context_is_named_and_fits() -> None:
    """The longest that fits with as many requests, and what is told really fits."""
    budget = 9_000_000_000
    text = told(budget)
    found = re.search(r"--ctx (\d+)", text)
    assert found
    context = int(found[1])
    assert advice("m", FACTS, replace(LONG, context=context), budget_bytes=budget) is None
    assert advice("m", FACTS, replace(LONG, context=context + 256), budget_bytes=budget) is not None
    assert "12.56 GB" not in text or "9.00 GB" in text


def test_fewer_requests_are_named_and_fit() -> None:
    """As many as fit with the context that is wanted."""
    budget = 9_000_000_000
    found = re.search(r"--parallel (\d)", told(budget))
    assert found
    slots = int(found[1])
    assert advice("m", FACTS, replace(LONG, parallel=slots), budget_bytes=budget) is None
    assert advice("m", FACTS, replace(LONG, parallel=slots + 1), budget_bytes=budget) is not None


def test_weights_alone_that_are_too_large_leave_a_smaller_file() -> None:
    """No context helps; the largest smaller model of the family does."""
    text = told(6_000_000_000)
    assert "--ctx" not in text
    assert "--parallel" not in text
    assert "`glmgate pull glm-edge-4b-chat-q8_0`" in text


def test_a_machine_for_nothing_gets_no_false_hope() -> None:
    """Where even the smallest model is too large, none is named."""
    assert "No smaller file" in told(500_000_000)
    assert smaller_file(10**12, "glm4", budget_bytes=500_000_000) is None


def test_the_same_family_comes_first() -> None:
    """A larger file of another family is further away than a smaller one of its own."""
    assert smaller_file(18_500_000_000, "deepseek2", budget_bytes=18_200_000_000) == "glm-4.7-flash-q4_k_s"
    assert smaller_file(18_500_000_000, "deepseek2", budget_bytes=12_000_000_000) in {
        "glm-4-9b-chat",
        "glm-4-9b-chat-1m",
    }


@pytest.mark.parametrize(
    ("architecture", "pooling", "kind"), [("glm4", -1, "chat"), ("bert", -1, "embedding"), ("qwen3", 3, "embedding")]
)
def test_the_kind_follows_from_the_file(architecture: str, pooling: int, kind: str) -> None:
    """Encoders embed, and so does whatever says how its vectors are pooled."""
    assert kind_of(replace(FACTS, architecture=architecture, pooling=pooling)) == kind
