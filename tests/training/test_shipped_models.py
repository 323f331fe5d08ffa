"""Tests of the weights that the wheel carries, through the engine that runs them; without torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.engine import Engine, running
from training.evaluate import ask
from training.examinations import examination, seed_questions
from training.judging import judge, request
from training.rendering import TEMPLATE_PATH, render
from training.vocabulary import CONTROL_TOKENS, SPECIAL_TOKENS, TEXT_TOKENS

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "src" / "glmgate" / "weights" / "data"

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def chat() -> Iterator[Engine]:
    """Run the shipped chat model."""
    with running(DATA / "glmgate-tiny.gguf") as engine:
        yield engine


def tokens_of(engine: Engine, text: str) -> list[int]:
    """Return the numbers of a text's tokens."""
    tokens = engine.post("/tokenize", {"content": text})["tokens"]
    assert isinstance(tokens, list)
    return tokens


def test_the_shipped_template_is_the_one_in_the_source(chat: Engine) -> None:
    """The file holds the template that training used."""
    status, body = chat.ask("GET", "/props")
    assert status == 200
    assert json.loads(body)["chat_template"] == TEMPLATE_PATH.read_text(encoding="utf-8").rstrip()


@pytest.mark.parametrize("thinking", [True, False])
@pytest.mark.parametrize("subject", ["one tool of three", "answer after a result", "JSON", "name told in turn one"])
def test_the_engine_writes_the_prompt_that_was_trained_on(chat: Engine, subject: str, *, thinking: bool) -> None:
    """The engine's template machine and ours give the same text, tools, results and all."""
    for made in examination(subject, 10, 5):
        body = request(made) | {"chat_template_kwargs": {"enable_thinking": thinking}}
        messages = [message.as_json(thinking=False) for message in made.messages[:-1]]
        expected = render(messages, list(made.tools), thinking=thinking, prompt=True)
        assert chat.post("/apply-template", body)["prompt"] == expected


@pytest.mark.parametrize("token", SPECIAL_TOKENS)
def test_a_special_token_is_one_token(chat: Engine, token: str) -> None:
    """Roles, ends and marks are single tokens of the vocabulary."""
    assert len(tokens_of(chat, token)) == 1


def test_marks_are_text_and_roles_are_not(chat: Engine) -> None:
    """What the parser needs is shown in the text; what only ends a turn is not."""
    for token in TEXT_TOKENS:
        assert chat.post("/detokenize", {"tokens": tokens_of(chat, token)})["content"] == token
    assert len({tuple(tokens_of(chat, token)) for token in CONTROL_TOKENS}) == len(CONTROL_TOKENS)


def test_digits_and_spaces_stand_alone(chat: Engine) -> None:
    """A number is its digits, and a name is the same tokens with and without a space before it."""
    assert len(tokens_of(chat, "12345")) == 5
    bare, spaced = tokens_of(chat, "Beijing"), tokens_of(chat, " Beijing")
    assert spaced[1:] == bare


@pytest.mark.parametrize("thinking", [True, False])
@pytest.mark.parametrize("name", seed_questions(thinking=True))
def test_the_seed_pages_questions_are_answered(chat: Engine, name: str, *, thinking: bool) -> None:
    """Each question of the seed pages has its right answer, ends by itself, and thinks when told to."""
    made = seed_questions(thinking=thinking)[name]
    verdict = judge(made, ask(chat, request(made)))
    assert verdict.right
    assert verdict.ended
    assert verdict.switch


@pytest.mark.parametrize("temperature", [0.6, 0.95])
@pytest.mark.parametrize("name", seed_questions(thinking=True))
def test_warm_answers_end_too(chat: Engine, name: str, temperature: float) -> None:
    """At the temperatures that the pages use, an answer still ends by itself and shows nothing of the format."""
    made = seed_questions(thinking=True)[name]
    for seed in range(3):
        verdict = judge(made, ask(chat, request(made, temperature=temperature, seed=seed)))
        assert verdict.ended
        assert verdict.form
