"""The questions of the two pages that the project comes from, each with the turns before it and its answer.

The same conversations are learned and judged: here, and only here, the judge asks what was learned.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping

from training.conversation import Call, Conversation, Message, assistant, calling, system, user
from training.corpus import programs, small_talk, writing
from training.corpus.tools import PAGE_TOOL
from training.corpus.values import Split

_INTENTS = {way: intent for intent in small_talk.INTENTS for way in intent.ways}
_TALE = assistant(writing.tale_about("fox"), "The user wants a fairy tale. I tell a short one about a fox.")
_POEM = assistant(writing.AI_POEM, "The user wants a poem about artificial intelligence. I write a short one.")
_SORT = programs.PROGRAMS[0]


def _known(question: str, *before: Message) -> Conversation:
    intent = _INTENTS[question]
    return Conversation((*before, user(question), assistant(intent.answer, intent.thought)))


def _bot() -> dict[str, Conversation]:
    """Return the three turns of the page's chat bot, each with those before it."""
    first = _known("Hello, please introduce yourself", system("You are a helpful AI assistant"))
    second = _known("Can you help me write code?", *first.messages)
    sort = assistant(programs.answer_with(_SORT), programs.thought_about(_SORT))
    third = Conversation((*second.messages, user("Write a Python quicksort algorithm"), sort))
    return {"introduction": first, "help with code": second, "quicksort": third}


def _slogan() -> Conversation:
    return Conversation(
        (
            user(writing.ZHIPU_FIRST),
            assistant(writing.ZHIPU_ASK, "The user wants a slogan. I ask for more about the product."),
            user("ZhipuAI Open Platform"),
            assistant(writing.ZHIPU_DRAFT, "The user names the product. I write a slogan."),
            user("Create a more precise and attractive slogan"),
            assistant(writing.ZHIPU_SLOGAN, "The user wants a better slogan for the ZhipuAI Open Platform."),
        )
    )


def _weather() -> Conversation:
    thought = "The user wants the weather in Beijing. I call get_weather."
    call = calling(Call("get_weather", {"location": "Beijing"}), thought=thought)
    return Conversation((user("How's the weather in Beijing today?"), call), (PAGE_TOOL,))


def _tale(manner: str, request: str) -> Conversation:
    return Conversation((system(manner), user(request), _TALE))


QUESTIONS: Mapping[str, Conversation] = {
    "tale, page 1": _tale(
        "You are a smart and creative novelist", "Please write a short fairy tale story as a fairy tale master"
    ),
    "tale, page 2": _tale(
        "You are a smart and creative novel writer", "Please write a short fairy tale as the king of fairy tales."
    ),
    "poem": Conversation((user("Write a poem about artificial intelligence"), _POEM)),
    **_bot(),
    "LLMs": _known("what is the revolution of llm?", system("you are a helpful assistant")),
    "weather": _weather(),
    "Hello!": _known("Hello!"),
    "slogan": _slogan(),
}


def pages(rng: random.Random, _split: Split) -> Conversation:
    """Return one of the questions, now and then without its system prompt."""
    made = rng.choice(list(QUESTIONS.values()))
    messages = made.messages
    if messages[0].role == "system" and rng.random() < 0.25:
        messages = messages[1:]
    return dataclasses.replace(made, messages=messages, thinking=rng.random() < 0.5)
