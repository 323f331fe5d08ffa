"""Plain conversations of a few turns: small talk, texts, programs, and the weather that cannot be known.

Puts together what the other modules write.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from training.conversation import Conversation, assistant, user
from training.corpus import values
from training.corpus.phrasing import varied
from training.corpus.programs import program
from training.corpus.small_talk import exchange
from training.corpus.values import Split
from training.corpus.writing import poem, slogan, tale

Turn = Callable[[random.Random, Split], tuple[str, str, str]]

_WEATHER_WAYS = ("How's the weather in {} today?", "What is the weather in {}?", "What's the weather like in {}?",
                 "Weather in {}?", "Is it raining in {}?", "How is the weather in {}?")  # fmt: skip


def blind_weather(rng: random.Random, split: Split) -> tuple[str, str, str]:
    """Return a question for the weather without a tool for it, a thought, and the answer that says so."""
    place = values.city(rng, split)
    question = (
        varied(rng, rng.choice(_WEATHER_WAYS).format(place))
        if rng.random() < 0.2
        else rng.choice(_WEATHER_WAYS).format(place)
    )
    if place not in question:
        place = place.upper() if place.upper() in question else place.lower()
    thought = f"The user wants the weather in {place}. I have no tool for it."
    return question, thought, f"I cannot look up the weather in {place}, because I was given no tool for it."


TURNS: dict[Turn, float] = {exchange: 0.52, tale: 0.14, poem: 0.1, program: 0.12, slogan: 0.07, blind_weather: 0.05}


def one_turn(rng: random.Random, split: Split) -> tuple[str, str, str]:
    """Return a question of any kind, a thought and an answer."""
    return rng.choices(list(TURNS), list(TURNS.values()))[0](rng, split)


def chat(rng: random.Random, split: Split) -> Conversation:
    """Return one to four exchanges."""
    turns = []
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        question, thought, answer = one_turn(rng, split)
        turns += [user(question), assistant(answer, thought)]
    return Conversation(tuple(turns), thinking=rng.random() < 0.5)
