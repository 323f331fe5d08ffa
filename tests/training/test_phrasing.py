"""Tests of the ways in which a question is put."""

from __future__ import annotations

import random

from training.corpus import phrasing

QUESTION = "Write a poem about rain."


def test_variation_changes_only_case_and_stops() -> None:
    """Whatever the variation, the letters stay."""
    rng = random.Random(1)
    made = {phrasing.varied(rng, QUESTION) for _ in range(300)}
    assert len(made) > 3
    assert {text.lower().rstrip("?.!") for text in made} == {"write a poem about rain"}


def test_a_polite_question_ends_as_a_question() -> None:
    """What begins with Can, Could or Would never ends with a full stop."""
    rng = random.Random(2)
    polite = [text for text in (phrasing.asked(rng, QUESTION) for _ in range(500)) if text.startswith(("Can", "Could"))]
    assert polite
    assert not any(text.endswith(".") for text in polite)


def test_the_word_i_keeps_its_case() -> None:
    """A request that begins with I goes on after an opening as it was."""
    assert phrasing.lower_first("I need help") == "I need help"
    assert phrasing.lower_first("Tell me") == "tell me"


def test_system_prompts_are_usual_or_invented() -> None:
    """Both kinds of system prompt are drawn."""
    rng = random.Random(3)
    made = {phrasing.system_prompt(rng) for _ in range(500)}
    assert made & set(phrasing.SYSTEM_PROMPTS)
    assert made - set(phrasing.SYSTEM_PROMPTS)
