"""Tests of the text that the model reads and of what it learns of it."""

from __future__ import annotations

import random

from training.conversation import Call, Conversation, assistant, calling, system, tool_result, user
from training.corpus.mixture import conversation
from training.corpus.tools import PAGE_TOOL
from training.rendering import Piece, pieces, render

WEATHER = Conversation(
    (user("Weather in Oslo?"), calling(Call("get_weather", {"location": "Oslo"}), thought="I call.")), (PAGE_TOOL,)
)


def learned(made: Conversation) -> list[str]:
    """Return the stretches that are learned."""
    return [piece.text for piece in pieces(made) if piece.learned]


def test_the_whole_text_is_that_of_the_template() -> None:
    """Cut into pieces, nothing of the text is lost, doubled or moved."""
    rng = random.Random(1)
    for _ in range(200):
        made = conversation(rng, "train")
        messages = [message.as_json(thinking=made.thinking) for message in made.messages]
        text = render(messages, list(made.tools), thinking=made.thinking, prompt=False)
        assert "".join(piece.text for piece in pieces(made)).startswith(text)


def test_what_is_learned_begins_where_the_prompt_ends() -> None:
    """The prompt that the engine makes for the last turn is all that comes before what is learned of it."""
    rng = random.Random(2)
    for _ in range(200):
        made = conversation(rng, "train")
        messages = [message.as_json(thinking=made.thinking) for message in made.messages[:-1]]
        prompt = render(messages, list(made.tools), thinking=made.thinking, prompt=True)
        *before, last = [piece for piece in pieces(made) if piece.text]
        assert last.learned
        assert "".join(piece.text for piece in before) == prompt


def test_a_question_is_not_learned() -> None:
    """Only the assistant's words and the token that ends its turn are learned."""
    made = Conversation((system("Be kind."), user("Hi"), assistant("Hello you")), thinking=False)
    assert pieces(made) == [
        Piece("[gMASK]<sop><|system|>\nBe kind.<|user|>\nHi/nothink<|assistant|>\n<think></think>", learned=False),
        Piece("\nHello you<|user|>", learned=True),
    ]


def test_a_call_ends_with_the_role_of_its_result() -> None:
    """A call is written in GLM's form, and what ends it is the observation's token."""
    assert learned(WEATHER) == [
        (
            "\n<think>I call.</think>\n<tool_call>get_weather\n<arg_key>location</arg_key>\n"
            "<arg_value>Oslo</arg_value>\n</tool_call><|observation|>"
        )
    ]


def test_thoughts_stay_within_the_tool_loop_only() -> None:
    """After a new question the thought of the call before it is gone; until then it stays."""
    loop = (*WEATHER.messages, tool_result("Sunny"), assistant("It is sunny.", "I tell."))
    inside = "".join(piece.text for piece in pieces(Conversation(loop, (PAGE_TOOL,))))
    assert "<think>I call.</think>" in inside
    after = Conversation((*loop, user("Thanks"), assistant("Welcome.", "Polite.")), (PAGE_TOOL,))
    text = "".join(piece.text for piece in pieces(after))
    assert "I call." not in text
    assert "<think>Polite.</think>" in text


def test_only_the_last_turn_is_learned_where_told_so() -> None:
    """`learn_all` off leaves the earlier answers as they are, unlearned."""
    turns = (user("a"), assistant("first"), user("b"), assistant("second"))
    assert learned(Conversation(turns, thinking=False, learn_all=False)) == ["\nsecond<|user|>"]


def test_odd_messages_are_written_without_complaint() -> None:
    """Null contents, late system messages, parts and results without a call are all rendered."""
    text = render(
        [
            {"role": "system", "content": None},
            {"role": "tool", "content": "lost"},
            {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "image_url"}, "lo"]},
            {"role": "assistant", "content": None},
            {"role": "system", "content": "late"},
        ],
        [],
        thinking=True,
        prompt=True,
    )
    assert text == (
        "[gMASK]<sop><|system|>\n<|observation|>\n<tool_response>\nlost\n</tool_response><|user|>\nHello"
        "<|assistant|>\n<think></think><|system|>\nlate<|assistant|>"
    )
