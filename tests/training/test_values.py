"""Tests of the pools that conversations are filled from."""

from __future__ import annotations

import random

import pytest

from training.corpus import values


@pytest.mark.parametrize("pool", [values.NAMES, values.CITIES, values.ANIMALS, values.OBJECTS, values.COLOURS])
def test_a_value_of_training_is_never_one_of_judging(pool: list[str]) -> None:
    """The two parts of a pool have nothing in common and are both drawn from."""
    rng = random.Random(1)
    trained = {values.pick(rng, pool, "train") for _ in range(2000)}
    judged = {values.pick(rng, pool, "held_out") for _ in range(2000)}
    assert trained.isdisjoint(judged)
    assert trained | judged == set(pool)


def test_invented_words_are_split_too() -> None:
    """A word invented for judging is never invented for training."""
    rng = random.Random(2)
    trained = {values.invented(rng, "train") for _ in range(3000)}
    judged = {values.invented(rng, "held_out") for _ in range(3000)}
    assert trained.isdisjoint(judged)


def test_a_pool_without_a_part_gives_any_of_its_values() -> None:
    """A pool too small to be split is used whole."""
    trained_only = [name for name in values.NAMES if not values.is_held_out(name)][:2]
    assert values.pick(random.Random(3), trained_only, "held_out") in trained_only


def test_numbers_have_one_to_five_digits() -> None:
    """Short and long numbers are about as common, and none starts with a nought but 0 itself."""
    rng = random.Random(4)
    lengths = [len(str(values.number(rng))) for _ in range(1000)]
    assert set(lengths) == {1, 2, 3, 4, 5}
    assert min(map(lengths.count, set(lengths))) > 100


def test_copied_words_are_single_words_in_small_letters() -> None:
    """The tokenizer gets words that it can compare with those of a text."""
    copied = values.copied_words()
    assert {"fox", "york", "alice"} <= copied
    assert all(word == word.lower() and " " not in word for word in copied)
