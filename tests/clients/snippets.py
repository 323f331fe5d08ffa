"""The snippets of the two pages that the project comes from: which there are, and how their outputs are judged.

The texts are in `seeds/`, exactly as printed; nothing but the key and the address is put into them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.clients.environments import Name

SEEDS: Final = Path(__file__).parent / "seeds"
ADDRESSES: Final = ("https://api.z.ai/api/paas/v4/", "https://open.bigmodel.cn/api/paas/v4/")
KEYS: Final = ('"your-Z.AI-api-key"', '"your-api-key"', "'your-api-key'", '"your zhipuai api key"', 'api_key=""')
SPECIAL: Final = re.compile(r"<\|[^|]*\|>|</?think>|</?tool_call>|</?arg_(?:key|value)>|\[gMASK\]|<sop>|[\u200b\u2060]")
OPENAI: Final[tuple[Name, ...]] = ("openai-1", "openai-2", "openai-3")


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a snippet: what it printed, how many tokens that is, and the server's log lines of its requests."""

    output: str
    tokens: int
    requests: list[dict[str, Any]]


Predicate = Callable[[Run], bool]


@dataclass(frozen=True, slots=True)
class Snippet:
    """One snippet, the clients that it is for, and the predicates that its run must meet."""

    name: str
    clients: tuple[Name, ...]
    predicates: tuple[Predicate, ...]

    def text(self, key: str, address: str) -> str:
        """The snippet with this key and address in it; the rest is as printed."""
        text = (SEEDS / f"{self.name}.txt").read_text(encoding="utf-8")
        for placeholder in KEYS:
            quote = placeholder[-1]
            begin = placeholder[: placeholder.index(quote)]
            text = text.replace(placeholder, f"{begin}{quote}{key}{quote}")
        for printed in ADDRESSES:
            text = text.replace(printed, address)
        return text


def prints_nothing(run: Run) -> bool:
    """A snippet that prints nothing has printed nothing."""
    return not run.output


def asks_nothing(run: Run) -> bool:
    """A snippet that only makes a client sends no request."""
    return not run.requests


def ends_with_stop(run: Run) -> bool:
    """Every answer came to its own end: no limit, no failure, no client that left."""
    return bool(run.requests) and all(request["ending"] == "completed" for request in run.requests)


def asks_three_times(run: Run) -> bool:
    """A request for each turn of the conversation."""
    return len(run.requests) == 3


def ends_with_a_call(run: Run) -> bool:
    """The answer ended with the call of a tool."""
    return [request["ending"] for request in run.requests] == ["tool_calls"]


def has_no_special_token(run: Run) -> bool:
    """Nothing of the model's own markup is in the text."""
    return not SPECIAL.search(run.output)


def has_five_words(run: Run) -> bool:
    """The text is a text."""
    return len(re.findall(r"\w+", run.output)) >= 5


def has_three_answers(run: Run) -> bool:
    """Three answers were printed, none of them empty."""
    return len([line for line in run.output.splitlines() if line.strip()]) >= 3


def has_weather_of_beijing(run: Run) -> bool:
    """`get_weather` was called with Beijing: its result is what the snippet prints. Mojibake is the page's own."""
    return run.output.startswith("Function call result: Weather in Beijing: Sunny, 25")


def is_a_message(run: Run) -> bool:
    """The message object of the SDK was printed, an assistant's, with text and without calls."""
    found = re.fullmatch(r"(ChatCompletionMessage|CompletionMessage)\((.*)\)\n", run.output, re.DOTALL)
    if found is None:
        return False
    members = found[2]
    return "role='assistant'" in members and "tool_calls=None" in members and bool(message_text(run).strip())


def message_has_five_words(run: Run) -> bool:
    """The text in the printed message object is a text."""
    return len(re.findall(r"\w+", message_text(run))) >= 5


def message_text(run: Run) -> str:
    """The member `content` of the printed message object."""
    found = re.search(r"content=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", run.output)
    return found[1][1:-1] if found else ""


def prints_reasoning_and_text(run: Run) -> bool:
    """More was printed than the reasoning alone, and more than the text alone; there was some of both."""
    (request,) = run.requests
    reasoning: int = request["reasoning"]
    text: int = request["completion"] - reasoning
    return reasoning > 0 and text > 0 and run.tokens > max(reasoning, text)


LANGCHAIN: Final = ("langchain_agent", "langchain_embeddings")
"""Snippets that are run in this repository's environment, by test_langchain_seeds.py."""

TEXT: Final = (ends_with_stop, has_no_special_token, has_five_words)
MESSAGE: Final = (ends_with_stop, has_no_special_token, is_a_message, message_has_five_words)

SNIPPETS: Final = (
    Snippet("create_client", OPENAI, (prints_nothing, asks_nothing)),
    Snippet("basic_chat", OPENAI, TEXT),
    Snippet("streaming_response", OPENAI, TEXT),
    Snippet("multi_turn", OPENAI, (*TEXT, asks_three_times, has_three_answers)),
    Snippet("thinking_mode", OPENAI, (*TEXT, prints_reasoning_and_text)),
    Snippet("function_calling", OPENAI, (ends_with_a_call, has_weather_of_beijing)),
    Snippet("migration", OPENAI, (prints_nothing, ends_with_stop)),
    Snippet("switch_endpoint", OPENAI, MESSAGE),
    Snippet("zhipuai_sdk", ("zhipuai",), MESSAGE),
)
