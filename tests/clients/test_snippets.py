"""The predicates of the snippets: each refuses what it is there to refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import snippets
from tests.clients.snippets import Predicate, Run

MESSAGE = "ChatCompletionMessage(content='{}', refusal=None, role='assistant', tool_calls=None)\n"


def run(output: str = "", *, tokens: int = 0, **request: Any) -> Run:
    """A run with one request, completed unless something else is said."""
    return Run(output, tokens, [{"ending": "completed"} | request])


@pytest.mark.parametrize(
    ("predicate", "good", "bad"),
    [
        (snippets.prints_nothing, run(), run("x")),
        (snippets.asks_nothing, Run("", 0, []), run()),
        (snippets.ends_with_stop, run(), run(ending="length")),
        (snippets.ends_with_stop, run(), Run("", 0, [])),
        (snippets.asks_three_times, Run("", 0, [{}] * 3), Run("", 0, [{}] * 2)),
        (snippets.ends_with_a_call, run(ending="tool_calls"), run()),
        (snippets.has_no_special_token, run("a < b"), run("a<|user|>")),
        (snippets.has_no_special_token, run("I think so"), run("so</think>so")),
        (snippets.has_no_special_token, run("a"), run("a\u200bb")),
        (snippets.has_no_special_token, run("a"), run("<\u2060|user|>")),
        (snippets.has_five_words, run("a b c d e"), run("a b c d")),
        (snippets.has_three_answers, run("a\nb\nc\n"), run("a\n\nc\n")),
        (
            snippets.has_weather_of_beijing,
            run("Function call result: Weather in Beijing: Sunny, 25°C\n"),
            run("Function call result: Weather in Berlin: Sunny, 25°C\n"),
        ),
        (snippets.is_a_message, run(MESSAGE.format("Once upon")), run("Once upon\n")),
        (snippets.is_a_message, run(MESSAGE.format("Once upon")), run(MESSAGE.format(""))),
        (snippets.message_has_five_words, run(MESSAGE.format("a b c d e")), run(MESSAGE.format("a b"))),
        (
            snippets.prints_reasoning_and_text,
            run(tokens=28, reasoning=20, completion=30),
            run(tokens=20, reasoning=20, completion=30),
        ),
        (
            snippets.prints_reasoning_and_text,
            run(tokens=28, reasoning=20, completion=30),
            run(tokens=30, reasoning=0, completion=30),
        ),
    ],
)
def test_a_predicate_tells_good_from_bad(predicate: Predicate, good: Run, bad: Run) -> None:
    """One run of each kind."""
    assert predicate(good)
    assert not predicate(bad)
