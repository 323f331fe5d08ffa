"""A forced call: the model's own, or one that cannot but be a call (contract rows C1, C2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.fit import Fitted, fit
from glmgate.adaptation.forced import holds, schema_of_call
from glmgate.errors import EngineFailed
from glmgate.wire.chat import ChatRequest, FunctionDefinition
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.engine import Generation
from tests.adaptation.requests import PROFILE, TIME, WEATHER, chat, folded

ONE: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required"}
TWO: dict[str, Any] = {"tools": [WEATHER, TIME], "tool_choice": "required"}


def asked_again(members: dict[str, Any]) -> tuple[Fitted[Generation], ChatRequest]:
    """A forced call whose first answer was text, and the second call."""
    fitted = fit(chat(**members), PROFILE)
    fitted.undo.feed(Delta(content="The weather is", usage=Usage(10, 3)))
    second = fitted.undo.follow_up()
    assert isinstance(second, ChatRequest)
    return fitted, second


def schema(request: ChatRequest) -> Any:
    """What the second call is constrained to."""
    assert request.response_format is not None
    assert request.response_format.json_schema is not None
    return request.response_format.json_schema.schema_


def test_the_models_own_call_is_kept() -> None:
    """One call suffices where the model calls."""
    fitted = fit(chat(**ONE), PROFILE)
    call = ToolCallDelta(index=0, id="c", name="get_weather", arguments='{"city":"Beijing"}')
    choice = folded(
        [*fitted.undo.feed(Delta(tool_calls=(call,))), *fitted.undo.feed(Delta(finish_reason="tool_calls"))]
    )
    assert (choice.calls[0].name, choice.finish_reason) == ("get_weather", "tool_calls")
    assert fitted.undo.follow_up() is None


def test_one_function_is_constrained_to_its_arguments() -> None:
    """The text of the second call is the arguments."""
    _, second = asked_again(ONE)
    assert schema(second) == WEATHER["function"]["parameters"]


def test_several_functions_are_constrained_to_name_and_arguments() -> None:
    """The name comes first, so that the arguments can be streamed."""
    _, second = asked_again(TWO)
    branches = schema(second)["anyOf"]
    assert [branch["properties"]["name"] for branch in branches] == [{"const": "get_weather"}, {"const": "get_time"}]
    assert [list(branch["properties"]) for branch in branches] == [["name", "arguments"]] * 2


def test_references_still_point_to_their_schema() -> None:
    """A schema that moved inside another keeps its references."""
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}, "$ref": {"$ref": "#/$defs/a"}}, "$defs": {"a": {}}}
    functions = [
        FunctionDefinition(name="f", parameters=tree),
        FunctionDefinition(name="g", parameters={"type": "object"}),
    ]
    moved = schema_of_call(functions)
    arguments = moved["anyOf"][0]["properties"]["arguments"]
    assert arguments["properties"] == {"next": {"$ref": "#/$defs/f0"}, "$ref": {"$ref": "#/$defs/f0/$defs/a"}}
    assert moved["$defs"]["f0"] == arguments


@pytest.mark.parametrize(
    ("last", "messages"),
    [
        ({"role": "user", "content": "Hello"}, ["Hello\n\n{}"]),
        ({"role": "user", "content": ""}, ["{}"]),
        ({"role": "assistant", "content": "Well"}, ["Well", "{}"]),
    ],
)
def test_the_model_is_told_what_to_do(last: dict[str, str], messages: list[str]) -> None:
    """In the last message; after one of the assistant, in a turn of the user."""
    _, second = asked_again({**ONE, "messages": [last]})
    instruction = PROFILE.tools.instruction.format(names="get_weather")
    assert [message.content for message in second.messages] == [text.format(instruction) for text in messages]


@given(st.integers(1, 12), st.dictionaries(st.text(max_size=4), st.text(max_size=4) | st.integers(), max_size=3))
def test_the_second_calls_text_is_the_call(size: int, arguments: dict[str, Any]) -> None:
    """In pieces, as it arrives, with an id of its own and the tokens of both calls."""
    for members, text in [
        (ONE, json.dumps(arguments)),
        (TWO, json.dumps({"name": "get_weather", "arguments": arguments})),
    ]:
        fitted, _ = asked_again(members)
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        deltas = [after for piece in pieces for after in fitted.undo.feed(Delta(content=piece))]
        deltas += fitted.undo.feed(Delta(finish_reason="stop", usage=Usage(12, 9)))
        choice = folded(deltas)
        assert choice.finish_reason == "tool_calls"
        assert choice.content == ""
        assert [(call.name, json.loads(call.arguments)) for call in choice.calls] == [("get_weather", arguments)]
        assert choice.calls[0].id.startswith("call_")
        assert deltas[-1].usage == Usage(22, 12)
        assert fitted.undo.follow_up() is None


def test_ids_are_those_of_the_request() -> None:
    """Equal requests give equal ids, others give others; nothing here is random."""
    ids = set()
    for content in ("a", "a", "b"):
        fitted, _ = asked_again({**ONE, "messages": [{"role": "user", "content": content}]})
        ids.add(folded(fitted.undo.feed(Delta(content="{}"))).calls[0].id)
    assert len(ids) == 2


def test_a_limit_may_cut_the_call() -> None:
    """Then the finish reason is length, with the arguments as far as they came."""
    fitted, _ = asked_again(ONE)
    choice = folded(
        [*fitted.undo.feed(Delta(content='{"city": "Bei')), *fitted.undo.feed(Delta(finish_reason="length"))]
    )
    assert (choice.calls[0].arguments, choice.finish_reason) == ('{"city": "Bei', "length")


def test_an_engine_that_does_not_obey_has_failed() -> None:
    """Prose never goes out as a call."""
    fitted, _ = asked_again(TWO)
    fitted.undo.feed(Delta(content="Sure!"))
    with pytest.raises(EngineFailed):
        fitted.undo.feed(Delta(finish_reason="stop"))


PLACES = {"type": "string", "enum": ["Beijing", "Shanghai"]}


@pytest.mark.parametrize(
    ("argument", "is_held"),
    [
        ({"type": "string"}, True),
        ({"type": "string", "description": "any"}, True),
        ({}, True),
        (True, True),
        ({"type": "integer", "enum": [1, 2]}, True),
        ({"type": ["integer", "null"], "minimum": 1}, True),
        ({"type": "array", "items": PLACES}, True),
        ({"type": "object", "properties": {"place": PLACES}}, True),
        (PLACES, False),
        ({"enum": ["a"]}, False),
        ({"type": ["string", "null"], "const": "a"}, False),
        ({"type": "string", "pattern": "^a$"}, False),
        ({"type": "string", "maxLength": 3}, False),
        ({"$ref": "#/$defs/place"}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, False),
    ],
)
def test_what_the_models_own_form_holds(argument: Any, is_held: bool) -> None:
    """All but what bounds a string that is an argument of its own; in doubt it does not."""
    function = FunctionDefinition(name="f", parameters={"type": "object", "properties": {"x": argument}})
    assert holds(function) is is_held


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}, {"properties": []}])
def test_a_function_without_parameters_is_held(parameters: Any) -> None:
    """There is nothing to keep to."""
    assert holds(FunctionDefinition(name="f", parameters=parameters))


def test_a_call_that_is_not_held_is_made_again() -> None:
    """Its reasoning is kept; the call is left where it begins, and made under its schema."""
    parameters = {"type": "object", "properties": {"location": PLACES}, "required": ["location"]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    fitted = fit(chat(tools=[tool], tool_choice="required"), PROFILE)
    assert fitted.undo.feed(Delta(reasoning="Hm")) == (Delta(reasoning="Hm"),)
    call = ToolCallDelta(index=0, id="c", name="get_weather", arguments='{"location":"Mo')
    assert fitted.undo.feed(Delta(tool_calls=(call,))) == ()
    assert fitted.undo.done
    second = fitted.undo.follow_up()
    assert isinstance(second, ChatRequest)
    assert schema(second) == parameters
