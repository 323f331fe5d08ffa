"""Tests of what the model is judged on."""

from __future__ import annotations

import random

import pytest

from training.conversation import Call
from training.corpus.mixture import conversation
from training.corpus.pages import QUESTIONS
from training.examinations import SUBJECTS, examination, seed_questions


@pytest.fixture(scope="module")
def trained_questions() -> set[str]:
    """What users say in much of the training."""
    rng = random.Random(1)
    made = [conversation(rng, "train") for _ in range(5000)]
    return {message.content for one in made for message in one.messages if message.role == "user"}


@pytest.mark.parametrize("subject", [name for name in SUBJECTS if name not in {"sums of two digits", "fairy tales"}])
def test_questions_are_not_those_of_training(subject: str, trained_questions: set[str]) -> None:
    """Hardly a question of an examination is one that training asks in the same words."""
    asked = [made.messages[-2].content for made in examination(subject, 100, 1) if made.messages[-2].role == "user"]
    known = [question for question in asked if question in trained_questions]
    # Questions without a value ("What is my name?") and the fifteen capitals are the same for everyone.
    bound = 100 if subject == "name told in turn one" else 25
    assert len(known) <= bound


def test_an_examination_is_the_same_each_time() -> None:
    """A subject, a count and a seed give the same questions."""
    assert examination("JSON", 20, 3) == examination("JSON", 20, 3)
    assert examination("JSON", 20, 3) != examination("JSON", 20, 4)


def test_one_tool_of_three_offers_three() -> None:
    """The subject offers three tools and expects a call of one of them."""
    for made in examination("one tool of three", 50, 1):
        names = [tool["function"]["name"] for tool in made.tools]  # type: ignore[index]
        assert len(names) == 3
        assert made.messages[-1].calls[0].name in names


def test_no_call_is_expected_where_none_fits() -> None:
    """The subject expects words."""
    assert not any(made.messages[-1].calls for made in examination("no tool fits", 50, 1))


def test_a_name_is_told_three_turns_before_it_is_asked_for() -> None:
    """There is a whole exchange between telling and asking."""
    for made in examination("name told in turn one", 20, 1):
        name = made.messages[-1].content.removeprefix("Your name is ").removesuffix(".")
        assert len(made.messages) == 6
        assert name in made.messages[0].content


def test_the_pages_weather_is_one_call_for_beijing() -> None:
    """The seed page's question has the one right answer that the pages' tests want."""
    assert QUESTIONS["weather"].messages[-1].calls == (Call("get_weather", {"location": "Beijing"}),)


def test_seed_questions_are_asked_with_either_switch() -> None:
    """The thinking switch is set as told and nothing else is changed."""
    for thinking in (True, False):
        made = seed_questions(thinking=thinking)
        assert made.keys() == QUESTIONS.keys()
        assert {one.thinking for one in made.values()} == {thinking}


def test_every_answer_in_words_has_at_least_five() -> None:
    """The seed pages' answers are long enough to be answers."""
    for name, made in QUESTIONS.items():
        assert made.messages[-1].calls or len(made.messages[-1].content.split()) >= 5, name
