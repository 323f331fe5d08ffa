"""What is said once and has to be said again: echoes, filled forms, and what the user told turns ago.

The exercises from which copying is learned; the other kinds use it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from training.conversation import Conversation, assistant, system, user
from training.corpus import values
from training.corpus.phrasing import varied
from training.corpus.small_talk import exchange
from training.corpus.values import Split

_ECHO_WAYS = ("Repeat: {}", "Repeat after me: {}", "Say {}", "Say: {}", "Echo {}", "Please repeat: {}", "Copy this: {}",
              "Write this again: {}", "Repeat the words {}", "Just say {}", "Reply with {}", "Answer with the word {}", "Say only {}",
              "Reply with exactly: {}", "Respond with: {}", "Print {}", "Say again: {}", "Now say {}",
              "Say exactly {}", "Please say: {}", "Repeat exactly this: {}", "Type {}", "说：{}", "请重复：{}")  # fmt: skip
_ECHO_WAYS_HELD_OUT = ("Please say again: {}", "Say exactly this: {}")


def _word(rng: random.Random, split: Split) -> str:
    draw = rng.random()
    if draw < 0.4:
        return values.invented(rng, split)
    if draw < 0.55:
        return str(values.number(rng))
    if draw < 0.7:
        return values.person(rng, split)
    if draw < 0.8:
        return values.city(rng, split)
    return values.pick(rng, values.WORDS + values.OBJECTS + values.COLOURS + values.ANIMALS, split)


def words(rng: random.Random, split: Split, longest: int) -> str:
    """Return a few words, names and numbers in a row."""
    return rng.choice((" ", " ", " ", ", ")).join(_word(rng, split) for _ in range(rng.randint(1, longest)))


def echo(rng: random.Random, split: Split) -> Conversation:
    """Return requests to repeat something, and the repetition."""
    turns = []
    for _ in range(rng.choice((1, 1, 2))):
        said = words(rng, split, 6)
        way = rng.choice(_ECHO_WAYS_HELD_OUT if split == "held_out" else _ECHO_WAYS)
        turns += [user(way.format(said)), assistant(said, "The user wants me to repeat something. I repeat it.")]
    return Conversation(tuple(turns), thinking=rng.random() < 0.3)


def form(rng: random.Random, split: Split) -> Conversation:
    """Return a list of keys with values, a question for one of them, and its value."""
    keys = rng.sample(values.OBJECTS + values.WORDS, rng.randint(2, 5))
    rows = {key: _word(rng, split) for key in keys}
    shown = rng.choice(("\n", "; ", ", ")).join(f"{key}: {value}" for key, value in rows.items())
    asked = rng.choice(keys)
    question = rng.choice(("{}\nWhat is {}?", "Here is a list. {}\nTell me {}.", "{}\n{}?")).format(shown, asked)
    thought = f"The user asks for {asked}. I look it up in the list."
    return Conversation((user(question), assistant(f"{asked}: {rows[asked]}", thought)), thinking=rng.random() < 0.3)


@dataclass(frozen=True, slots=True)
class Detail:
    """Something that a user tells about themself and asks for later."""

    tellings: tuple[str, ...]
    reply: str
    questions: tuple[str, ...]
    answer: str
    make: Callable[[random.Random, Split], str]


def _colour(rng: random.Random, split: Split) -> str:
    return values.pick(rng, values.COLOURS, split)


def _animal(rng: random.Random, split: Split) -> str:
    return values.pick(rng, values.ANIMALS, split)


DETAILS = (
    Detail(
        ("My name is {}.", "I am {}.", "I'm {}.", "Hello, my name is {}.", "Hi, I am {}", "Call me {}.", "Hi! I'm {}."),
        "Nice to meet you, {}! How can I help you?",
        ("What is my name?", "What's my name?", "Do you remember my name?", "Who am I?", "What am I called?"),
        "Your name is {}.",
        values.person,
    ),
    Detail(
        ("I live in {}.", "I am from {}.", "I come from {}.", "My home is in {}."),
        "I see, you live in {}. How can I help you?",
        ("Where do I live?", "Where am I from?", "What is my city?", "In which city do I live?"),
        "You live in {}.",
        values.city,
    ),
    Detail(
        ("My favourite colour is {}.", "My favorite color is {}.", "I like the colour {}."),
        "I will remember that you like {}.",
        ("What is my favourite colour?", "What's my favorite color?", "Which colour do I like?"),
        "Your favourite colour is {}.",
        _colour,
    ),
    Detail(
        ("I have a {}.", "My pet is a {}.", "At home I have a {}."),
        "How nice, you have a {}!",
        ("What pet do I have?", "Which animal do I have?", "What is my pet?"),
        "You have a {}.",
        _animal,
    ),
)  # fmt: skip


def memory(rng: random.Random, split: Split) -> Conversation:
    """Return one or two details told, small talk between, and the questions for them."""
    details = [(detail, detail.make(rng, split)) for detail in rng.sample(DETAILS, rng.choice((1, 1, 2)))]
    if rng.random() < 0.15:
        detail = DETAILS[0]
        name = detail.make(rng, split)
        head = [system(rng.choice(("The user's name is {}.", "The name of the user is {}.")).format(name))]
        details = [(detail, name)]
    else:
        head = []
        for detail, value in details:
            head.append(user(rng.choice(detail.tellings).format(value)))
            head.append(assistant(detail.reply.format(value), "The user tells me something. I will remember it."))
    for _ in range(rng.choice((0, 0, 1, 2))):
        question, thought, answer = exchange(rng, split)
        head += [user(question), assistant(answer, thought)]
    for detail, value in details:
        head.append(user(varied(rng, rng.choice(detail.questions))))
        head.append(assistant(detail.answer.format(value), "The user asks for what I was told. I remember it."))
    return Conversation(tuple(head), thinking=rng.random() < 0.5)
