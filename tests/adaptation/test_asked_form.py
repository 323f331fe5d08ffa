"""Response formats at services that are asked, not constrained (contract rows R1, R2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, MissingParameter, UnsupportedValue
from tests.adaptation.asking import asked, says
from tests.adaptation.requests import WEATHER, chat
from tests.adaptation.services import GLM_SERVICES, fitted, sent, service

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
FORM: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}
OBJECT = {"type": "json_object"}
WORDS, HELD = service("zai"), service("vllm")


def form_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The response format of a schema."""
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_r1_the_schema_is_told_to_the_model(name: str) -> None:
    """Contract row R1: in the system's message, with the service's own JSON mode beside it."""
    body = sent(service(name), response_format=FORM)
    assert body["response_format"] == OBJECT
    assert body["messages"][0]["role"] == "system"
    told = body["messages"][0]["content"]
    assert json.loads(told[told.index("{") :]) == {"title": "n", **SCHEMA}
    assert body["messages"][1] == {"role": "user", "content": "Hello"}
    assert [str(note) for note in fitted(service(name), response_format=FORM).notes] == ["response_format=emulated"]


def test_row_r1_the_callers_system_message_stays() -> None:
    """Contract row R1: the schema stands below it; templates may take only one."""
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    body = sent(WORDS, messages=messages, response_format=FORM)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"].startswith("Be brief.\n\n")


@pytest.mark.parametrize("schema", [{}, {"description": "The schema's own"}])
def test_row_r1_what_stands_beside_the_schema_is_told_too(schema: dict[str, Any]) -> None:
    """Contract row R1: name and description are for the model; the schema's own words win."""
    form = {"type": "json_schema", "json_schema": {"name": "n", "description": "What it is", "schema": schema}}
    told = sent(WORDS, response_format=form)["messages"][0]["content"]
    assert json.loads(told[told.index("{") :]) == {"title": "n", "description": "What it is", **schema}


@pytest.mark.parametrize("schema", [{"type": "array", "items": {"type": "integer"}}, {"anyOf": [SCHEMA]}])
def test_row_r1_other_values_than_objects_are_not_asked_as_objects(schema: dict[str, Any]) -> None:
    """Contract row R1: the service's mode would contradict the schema."""
    assert "response_format" not in sent(WORDS, response_format=form_of(schema))


def test_row_r1_beside_tools_only_words_are_sent() -> None:
    """Contract row R1: a JSON mode would end calls."""
    body = sent(WORDS, response_format=FORM, tools=[WEATHER])
    assert "response_format" not in body
    assert [tool["function"]["name"] for tool in body["tools"]] == ["get_weather"]


@pytest.mark.parametrize("name", ["vllm", "sglang", "openai", "llama-server", "ollama"])
def test_row_r1_who_takes_schemas_gets_them(name: str) -> None:
    """Contract row R1: as they are, without a word more."""
    request = fitted(service(name, "m"), response_format=FORM)
    assert sent(service(name, "m"), response_format=FORM)["response_format"] == FORM
    assert request.notes == ()


@pytest.mark.parametrize(("name", "passed"), [("openai", True), ("vllm", False), ("llama-server", False)])
def test_row_r1_forms_that_end_calls_are_told_beside_tools(name: str, passed: bool) -> None:
    """Contract row R1: a decoder that is held to a form can make no call, so the model is asked for it in words."""
    body = sent(service(name, "m"), response_format=FORM, tools=[WEATHER])
    assert (body.get("response_format") == FORM, "JSON schema" in str(body["messages"])) == (passed, not passed)


@pytest.mark.parametrize("text", ['{"a": 1}', '```json\n{"a": 1}\n```', 'Of course:\n```\n{"a": 1}\n```\nEnjoy!'])
def test_row_r1_fences_are_stripped(text: str) -> None:
    """Contract row R1: and what stands around them."""
    outcome = asked(chat(response_format=FORM), WORDS, [says(text)])
    assert (outcome.choice.content, len(outcome.sent)) == ('{"a": 1}', 1)


@pytest.mark.parametrize("first", ["Prose.", '{"a": "x"}', "", "[]", '{"a": 1} and more'])
def test_row_r1_what_is_not_valid_is_repaired(first: str) -> None:
    """Contract row R1: whatever is wrong with it."""
    outcome = asked(chat(response_format=FORM), WORDS, [says(first), says('{"a": 1}')])
    assert (outcome.choice.content, len(outcome.sent)) == ('{"a": 1}', 2)


@pytest.mark.parametrize("name", [*GLM_SERVICES, "generic", "vllm"])
def test_row_r1_after_two_repairs_it_is_an_error(name: str) -> None:
    """Contract row R1: never prose with 200."""
    profile = service(name)
    outcome = asked(chat(response_format=FORM), profile, [says("No."), says("No."), says('{"a": 1}')])
    assert len(outcome.sent) == 3
    with pytest.raises(UnsupportedValue):
        asked(chat(response_format=FORM), profile, [says("No."), says("No."), says("No."), says('{"a": 1}')])


@pytest.mark.parametrize(
    ("schema", "param"),
    [
        ({"properties": {"a": {"$ref": "http://example.com"}}}, "response_format.json_schema.schema.properties.a.$ref"),
        ({"properties": {"a": {"pattern": "(?=x)"}}}, "response_format.json_schema.schema.properties.a.pattern"),
        ({"type": "nothing"}, "response_format.json_schema.schema"),
        ({"enum": [1] * 2000}, "response_format.json_schema.schema.enum"),
    ],
)
def test_row_r1_schemas_of_strangers_are_bounded(schema: dict[str, Any], param: str) -> None:
    """Contract row R1: what we would have to hold an answer to, and cannot, is refused with its place."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(response_format=form_of(schema)), WORDS)
    assert raised.value.param == param


def test_row_r1_what_a_service_takes_is_left_to_it() -> None:
    """Contract row R1: a schema that we do not take is passed where the service holds to it, and JSON it must be."""
    form = form_of({"type": "string", "pattern": "(?=x)"})
    assert sent(HELD, response_format=form)["response_format"] == form
    outcome = asked(chat(response_format=form), HELD, [says("Prose."), says('"x"')])
    assert (outcome.choice.content, len(outcome.sent)) == ('"x"', 2)


def test_row_r1_schemas_that_stop_grammars_are_no_harm() -> None:
    """Contract row R1: alternatives that are not told apart bind only who makes a grammar of them."""
    either = {"type": "object", "properties": {"next": {"$ref": "#"}, "kind": {"type": "string"}}}
    schema = {"anyOf": [either, {**either, "required": ["kind"]}]}
    outcome = asked(chat(response_format=form_of(schema)), WORDS, [says('{"next": {"kind": "x"}}')])
    assert len(outcome.sent) == 1


def test_row_r1_a_schema_format_has_a_schema() -> None:
    """Contract row R1: as everywhere."""
    with pytest.raises(MissingParameter):
        fit(chat(response_format={"type": "json_schema", "json_schema": {"name": "n"}}), WORDS)


@pytest.mark.parametrize("name", [*GLM_SERVICES, "vllm"])
def test_row_r2_an_object_is_asked_natively(name: str) -> None:
    """Contract row R2: where the service has it, nothing is changed."""
    assert sent(service(name), response_format=OBJECT)["response_format"] == OBJECT
    assert fitted(service(name), response_format=OBJECT).notes == ()


def test_row_r2_elsewhere_it_is_told() -> None:
    """Contract row R2: the schema of any object."""
    body = sent(service("generic"), response_format=OBJECT)
    assert "response_format" not in body
    assert '{"type":"object"}' in body["messages"][0]["content"]


@pytest.mark.parametrize("first", ["Prose.", "[1]", '"text"', ""])
def test_row_r2_what_is_no_object_is_repaired(first: str) -> None:
    """Contract row R2: there is no guarantee."""
    outcome = asked(chat(response_format=OBJECT), WORDS, [says(first), says("```json\n{}\n```")])
    assert (outcome.choice.content, len(outcome.sent)) == ("{}", 2)
    assert outcome.noted == ["response_format=repaired"]


def test_row_r2_text_is_text() -> None:
    """Contract row R2: nothing is looked at."""
    outcome = asked(chat(response_format={"type": "text"}), WORDS, [says("Prose.")])
    assert (outcome.choice.content, outcome.noted) == ("Prose.", [])
