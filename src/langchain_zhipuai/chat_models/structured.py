"""Answers of a given form: what the model is asked for, and how its answer is read."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import BaseOutputParser, JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_function
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from langchain_zhipuai.chat_models.tools import name_of, wire_tool

Method = Literal["function_calling", "json_schema", "json_mode"]
Schema = dict[str, Any] | type | None


def asked_form(schema: Schema, method: Method, *, strict: bool | None) -> dict[str, Any]:
    """What has to be bound to the model. Raises ValueError for a method unknown or a schema missing."""
    traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    form: dict[str, Any] = {} if schema is None else {"ls_structured_output_format": traced}
    if method == "json_mode":
        if strict is not None:
            raise ValueError("strict needs a schema to be strict about: use method='json_schema', not 'json_mode'.")
        return form | {"response_format": {"type": "json_object"}}
    if schema is None:
        raise ValueError(f"method={method!r} needs a schema; only 'json_mode' goes without.")
    if method == "json_schema":
        return form | {"response_format": {"type": "json_schema", "json_schema": _named(schema, strict=strict)}}
    if method == "function_calling":
        tool = wire_tool(schema, strict=strict)
        choice = {"type": "function", "function": {"name": name_of(tool)}}
        return form | {"tools": [tool], "tool_choice": choice, "parallel_tool_calls": False}
    raise ValueError(f"method={method!r} is none of 'function_calling', 'json_schema', 'json_mode'.")


def reader(schema: Schema, method: Method) -> BaseOutputParser[Any]:
    """What makes the answer an object of the schema: an instance of a pydantic class, else a dict."""
    instances = isinstance(schema, type) and is_basemodel_subclass(schema)
    if method != "function_calling":
        return (
            PydanticOutputParser(pydantic_object=cast("type[BaseModel]", schema)) if instances else JsonOutputParser()
        )
    if instances:
        return PydanticToolsParser(tools=[cast("type[BaseModel]", schema)], first_tool_only=True)
    assert schema is not None, "asked_form has refused that"
    return JsonOutputKeyToolsParser(key_name=name_of(wire_tool(schema)), first_tool_only=True)


def with_raw(model: Runnable[LanguageModelInput, AIMessage], read: BaseOutputParser[Any]) -> Runnable[Any, Any]:
    """The answer as it came, what was read from it, and why not where that failed."""
    reading = RunnablePassthrough.assign(parsed=itemgetter("raw") | read, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | reading.with_fallbacks([failed], exception_key="parsing_error")


def _named(schema: dict[str, Any] | type, *, strict: bool | None) -> dict[str, Any]:
    """The form of `response_format`: a name, what it is for, and the schema, strict unless the caller says no."""
    strict = strict is not False
    function = convert_to_openai_function(schema, strict=strict)
    named = {"name": function["name"], "schema": function["parameters"], "strict": strict}
    return named | ({"description": function["description"]} if function.get("description") else {})
