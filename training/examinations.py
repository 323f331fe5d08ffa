"""The held-out conversations that the model is judged on, by subject, and the questions of the seed pages.

Makes conversations; asks nothing.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping

from training.conversation import Conversation, Message, assistant, calling, user
from training.corpus import copying, programs, small_talk, structured, sums, writing
from training.corpus.pages import QUESTIONS
from training.corpus.tool_kinds import KINDS
from training.corpus.tools import ask, no_call, offer, one_call
from training.corpus.values import Split

Maker = Callable[[random.Random], Conversation]
_HELD_OUT: Split = "held_out"


def _of(turn: Callable[[random.Random, Split], tuple[str, str, str]]) -> Maker:
    """Return a maker of single exchanges."""

    def make(rng: random.Random) -> Conversation:
        question, thought, words = turn(rng, _HELD_OUT)
        return Conversation((user(question), assistant(words, thought)), thinking=rng.random() < 0.5)

    return make


def _whole(maker: Callable[[random.Random, Split], Conversation]) -> Maker:
    return lambda rng: maker(rng, _HELD_OUT)


def _one_of_three(rng: random.Random) -> Conversation:
    offers = [offer(rng, kind) for kind in rng.sample(KINDS, 3)]
    asked = ask(rng, rng.choice(offers), _HELD_OUT)
    turns = (user(asked.question), calling(asked.call))
    return Conversation(turns, tuple(item.json for item in offers), thinking=rng.random() < 0.5)


def _none_fits(rng: random.Random) -> Conversation:
    offers = [offer(rng, kind) for kind in rng.sample(KINDS, rng.choice((1, 2, 3)))]
    turns = tuple(no_call(rng, offers, _HELD_OUT))
    return Conversation(turns, tuple(item.json for item in offers), thinking=rng.random() < 0.5)


def _after_result(rng: random.Random) -> Conversation:
    offered = offer(rng, rng.choice(KINDS))
    turns: list[Message] = []
    while len(turns) != 4:  # question, call, result, answer
        turns = one_call(rng, offered, _HELD_OUT)
    return Conversation(tuple(turns), (offered.json,), thinking=rng.random() < 0.5)


def _name_recalled(rng: random.Random) -> Conversation:
    name = copying.DETAILS[0]
    value = name.make(rng, _HELD_OUT)
    question, _, words = small_talk.exchange(rng, _HELD_OUT)
    turns = (
        user(rng.choice(name.tellings).format(value)),
        assistant(name.reply.format(value)),
        user(question),
        assistant(words),
        user(rng.choice(name.questions)),
        assistant(name.answer.format(value)),
    )
    return Conversation(turns, thinking=rng.random() < 0.5)


SUBJECTS: Mapping[str, Maker] = {
    "greetings, introduction, facts": _of(small_talk.exchange),
    "fairy tales": _of(writing.tale),
    "poems": _of(writing.poem),
    "slogans": _of(writing.slogan),
    "programs": _of(programs.program),
    "one tool of three": _one_of_three,
    "no tool fits": _none_fits,
    "answer after a result": _after_result,
    "JSON": _whole(structured.structured),
    "name told in turn one": _name_recalled,
    "echo": _whole(copying.echo),
    "list look-up": _whole(copying.form),
    "sums of two digits": _whole(sums.sums),
}


def examination(subject: str, count: int, seed: int) -> list[Conversation]:
    """Return the conversations of a subject."""
    rng = random.Random(f"{subject}/{seed}")
    return [SUBJECTS[subject](rng) for _ in range(count)]


def seed_questions(*, thinking: bool) -> dict[str, Conversation]:
    """Return the questions of the seed pages by name, with the thinking switch set."""
    return {name: dataclasses.replace(made, thinking=thinking) for name, made in QUESTIONS.items()}
