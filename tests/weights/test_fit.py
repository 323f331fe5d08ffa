"""How much memory is reckoned, and which context comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.weights.fit import DEFAULT_CONTEXT, SMALLEST_CONTEXT, fitting_context, need
from glmgate.weights.gguf import GgufFacts


def facts(*, context: int = 131_072, file_bytes: int = 6_000_000_000) -> GgufFacts:
    """A model of the size of GLM-4-9B: 40 layers, 2 heads of 128 for keys and values."""
    return GgufFacts(
        path=Path("m.gguf"),
        file_bytes=file_bytes,
        architecture="glm4",
        name=None,
        file_type=15,
        context_length=context,
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


def test_the_cache_is_reckoned_for_every_token_of_every_slot() -> None:
    """40 layers of 2 heads, each with a key and a value of 128 halves: 40 KiB for a token."""
    assert need(facts(), context=1000, slots=4).cache == 40 * 2 * (128 + 128) * 2 * 1000 * 4


def test_the_weights_are_needed_in_full() -> None:
    """Every byte of the file is mapped and used."""
    reckoned = need(facts(file_bytes=123), context=1, slots=1)
    assert reckoned.weights == 123
    assert reckoned.total == reckoned.weights + reckoned.cache + reckoned.fixed


@pytest.mark.parametrize(("own", "expected"), [(4096, 4096), (131_072, DEFAULT_CONTEXT)])
def test_a_large_budget_gives_the_models_own_context_up_to_a_bound(own: int, expected: int) -> None:
    """A context that a CPU cannot fill in minutes is not made by itself."""
    assert fitting_context(facts(context=own), slots=4, budget_bytes=1 << 40) == expected


def test_a_small_budget_halves_the_context_until_it_fits() -> None:
    """8 GB for a model of 6: what is left decides."""
    context = fitting_context(facts(), slots=4, budget_bytes=8_000_000_000)
    assert need(facts(), context=context, slots=4).total <= 8_000_000_000
    assert need(facts(), context=context * 2, slots=4).total > 8_000_000_000


@given(budget=st.integers(0, 1 << 40), own=st.integers(1, 1 << 20), slots=st.integers(1, 64))
def test_the_context_is_never_more_than_the_models_nor_less_than_the_smallest(
    budget: int, own: int, slots: int
) -> None:
    """Whatever the budget is."""
    context = fitting_context(facts(context=own), slots=slots, budget_bytes=budget)
    assert min(own, SMALLEST_CONTEXT) <= context <= own
