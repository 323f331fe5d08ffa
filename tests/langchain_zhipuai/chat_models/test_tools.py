"""Tools and the choice of tools, as the wire has them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from langchain_core.tools import tool
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from langchain_zhipuai.chat_models.tools import name_of, wire_choice, wire_tool, wire_tools


@tool
def find(name: str) -> str:
    """Find somebody."""
    return name


class Find(BaseModel):
    """Find somebody."""

    name: str = Field(description="who")


class FindDict(TypedDict):
    """Find somebody."""

    name: str


def plain(name: str) -> str:
    """Find somebody."""
    return name


@pytest.mark.parametrize("kind", [find, Find, FindDict, plain, Find.model_json_schema()])
def test_whatever_langchain_makes_tools_of(kind: Any) -> None:
    """A function with name, description and parameters, all of which GLM asks for."""
    wire = wire_tool(kind)
    assert set(wire) == {"type", "function"}
    assert set(wire["function"]) == {"name", "description", "parameters"}
    assert wire["function"]["description"] == "Find somebody."
    assert wire["function"]["parameters"]["properties"]["name"]["type"] == "string"


@pytest.mark.parametrize(
    "own",
    [
        {"type": "web_search", "web_search": {"enable": True}},
        {"type": "code_interpreter", "code_interpreter": {"sandbox": "none"}},
        {"type": "retrieval", "retrieval": {"knowledge_id": "1"}},
        {"type": "mcp", "mcp": {"server_label": "a"}},
        {"type": "web_browser"},
        {"type": "drawing_tool"},
    ],
)
def test_glm_s_own_tools_pass_unchanged(own: dict[str, Any]) -> None:
    """The seed's list of tools has three of them."""
    assert wire_tools([own, find])[0] == own
    assert name_of(own) == own["type"]


def test_a_bare_function_gets_what_glm_asks_for() -> None:
    """Without a description and parameters it is refused there (contract row C6)."""
    (wire,) = wire_tools([{"type": "function", "function": {"name": "now"}}])
    assert wire["function"] == {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}


def test_strict_stands_at_the_function() -> None:
    """Only where it was said."""
    assert wire_tool(find, strict=True)["function"]["strict"] is True
    assert wire_tool(find, strict=False)["function"]["strict"] is False


@pytest.mark.parametrize("kind", ["file_search", "web_serch"])
def test_tools_of_another_vendor_are_refused(kind: str) -> None:
    """With what there is instead; so are slips of the pen."""
    with pytest.raises(ValueError, match=f"no tools of type '{kind}'.*'web_search'"):
        wire_tool({"type": kind})


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (None, None),
        (False, None),
        (True, "required"),
        ("any", "required"),
        ("required", "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("find", {"type": "function", "function": {"name": "find"}}),
        ({"type": "function", "function": {"name": "find"}}, {"type": "function", "function": {"name": "find"}}),
    ],
)
def test_choices(choice: Any, wire: Any) -> None:
    """LangChain's words, and those of the wire."""
    assert wire_choice(choice, wire_tools([find])) == wire


def test_a_choice_of_glm_s_own_tool_is_one_of_its_type() -> None:
    """It is no function, and a choice of a function that was not sent is refused."""
    assert wire_choice("web_browser", wire_tools([find, {"type": "web_browser"}])) == {"type": "web_browser"}


@pytest.mark.parametrize("choice", ["fnd", 3, ["find"]])
def test_a_choice_of_no_tool_is_refused(choice: Any) -> None:
    """A slip of the pen would otherwise be found out by the service, or by nobody."""
    with pytest.raises(ValueError, match=rf"{re.escape(repr(choice))} is none of the tools \['find'\]"):
        wire_choice(choice, wire_tools([find]))
