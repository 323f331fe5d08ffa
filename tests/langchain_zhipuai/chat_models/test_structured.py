"""Answers of a given form: what is asked for, and what comes of what was answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from langchain_zhipuai.chat_models.structured import Method, Schema, asked_form, reader, with_raw


class Joke(BaseModel):
    """A joke."""

    setup: str = Field(description="how it begins")
    rating: int | None = None


class JokeDict(TypedDict):
    """A joke."""

    setup: str


SAID = {"setup": "Why?"}
CALLED = AIMessage("", tool_calls=[{"name": "Joke", "args": SAID, "id": "1"}])
WRITTEN = AIMessage(json.dumps(SAID))


def saying(message: AIMessage) -> Runnable[Any, AIMessage]:
    """A model that says one thing."""
    return RunnableLambda(lambda _: message)


def test_function_calling_demands_one_call_of_the_schema() -> None:
    """Of that alone, and nothing beside it."""
    form = asked_form(Joke, "function_calling", strict=None)
    (tool,) = form["tools"]
    assert tool["function"]["name"] == "Joke"
    assert "strict" not in tool["function"]
    assert form["tool_choice"] == {"type": "function", "function": {"name": "Joke"}}
    assert form["parallel_tool_calls"] is False
    assert asked_form(Joke, "function_calling", strict=True)["tools"][0]["function"]["strict"] is True


@pytest.mark.parametrize(("strict", "sent"), [(None, True), (True, True), (False, False)])
def test_json_schema_is_strict_unless_told_otherwise(strict: bool | None, sent: bool) -> None:
    """With name, description and schema."""
    form = asked_form(Joke, "json_schema", strict=strict)["response_format"]
    assert form["type"] == "json_schema"
    named = form["json_schema"]
    assert (named["name"], named["description"], named["strict"]) == ("Joke", "A joke.", sent)
    assert named["schema"]["properties"]["setup"]["type"] == "string"
    assert ("rating" in named["schema"]["required"]) is sent


def test_json_mode_asks_for_any_json() -> None:
    """A schema is only for reading it, and may be left out."""
    assert asked_form(None, "json_mode", strict=None) == {"response_format": {"type": "json_object"}}
    traced = asked_form(Joke, "json_mode", strict=None)["ls_structured_output_format"]
    assert traced == {"kwargs": {"method": "json_mode", "strict": None}, "schema": Joke}


@pytest.mark.parametrize(
    ("schema", "method", "strict", "said"),
    [
        (Joke, "json_mode", True, "strict needs a schema"),
        (None, "json_schema", None, "'json_schema' needs a schema"),
        (None, "function_calling", None, "'function_calling' needs a schema"),
        (Joke, "magic", None, "'magic' is none of"),
    ],
)
def test_what_cannot_be_asked_is_refused(schema: Schema, method: Any, strict: bool | None, said: str) -> None:
    """With what to do instead."""
    with pytest.raises(ValueError, match=said):
        asked_form(schema, method, strict=strict)


@pytest.mark.parametrize(
    ("schema", "method", "answer", "read"),
    [
        (Joke, "function_calling", CALLED, Joke(setup="Why?")),
        (Joke, "json_schema", WRITTEN, Joke(setup="Why?")),
        (Joke, "json_mode", WRITTEN, Joke(setup="Why?")),
        (JokeDict, "json_schema", WRITTEN, SAID),
        (Joke.model_json_schema(), "function_calling", CALLED, SAID),
        (Joke.model_json_schema(), "json_schema", WRITTEN, SAID),
        (None, "json_mode", WRITTEN, SAID),
    ],
)
def test_reading(schema: Schema, method: Method, answer: AIMessage, read: Any) -> None:
    """An instance of a pydantic class, else a dict."""
    assert reader(schema, method).invoke(answer) == read


def test_with_raw_shows_the_answer_and_why_it_could_not_be_read() -> None:
    """Nothing is raised then."""
    assert with_raw(saying(WRITTEN), reader(Joke, "json_schema")).invoke("x") == {
        "raw": WRITTEN,
        "parsed": Joke(setup="Why?"),
        "parsing_error": None,
    }
    failed = with_raw(saying(AIMessage("no JSON")), reader(Joke, "json_schema")).invoke("x")
    assert (failed["raw"].text, failed["parsed"]) == ("no JSON", None)
    assert isinstance(failed["parsing_error"], OutputParserException)
