"""A tool of a function whose defaults are Fields of pydantic.v1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import pytest
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, ValidationError
from pydantic.v1 import BaseModel as BaseModelV1
from pydantic.v1 import Field as FieldV1

from langchain_zhipuai.compat.tools import tool, understood


def parameters(made: BaseTool) -> dict[str, Any]:
    """What the API is told of a tool's arguments."""
    told: dict[str, Any] = convert_to_openai_tool(made)["function"]["parameters"]
    return told


def search(
    query: str = FieldV1(description="What to look for"),
    most: int = FieldV1(5, description="How many", ge=1, le=10),
    where: Optional[str] = FieldV1(description="Which site"),  # noqa: UP045 - as old programs write it
    words: list[str] = FieldV1(default_factory=list),  # noqa: B008 - what is tested
) -> str:
    """Look something up."""
    return f"{query} {most} {where} {words}"


def test_the_api_is_told_what_the_fields_say() -> None:
    """Descriptions, what is required, defaults and bounds."""
    told = parameters(tool(search))
    assert told["required"] == ["query"]
    assert told["properties"]["query"] == {"type": "string", "description": "What to look for"}
    most = told["properties"]["most"]
    assert most == {"type": "integer", "description": "How many", "default": 5, "minimum": 1, "maximum": 10}
    assert told["properties"]["where"]["description"] == "Which site"


def test_the_function_gets_real_values() -> None:
    """Never a Field, whether the tool is run or its function is called."""
    made = tool(search)
    assert made.invoke({"query": "cats"}) == "cats 5 None []"
    assert made.func("cats", words=["a"]) == "cats 5 None ['a']"
    with pytest.raises(TypeError, match="'query'"):
        made.func()


@pytest.mark.parametrize("given", [{}, {"query": "cats", "most": 11}, {"query": 1}])
def test_what_the_fields_refuse_is_refused(given: dict[str, Any]) -> None:
    """As it was in 2024."""
    with pytest.raises(ValidationError):
        tool(search).invoke(given)


async def test_an_asynchronous_function() -> None:
    """It stays one."""

    @tool
    async def shell(query: str = FieldV1(description="A command"), shell: str = FieldV1("sh")) -> str:
        """Run it."""
        return f"{shell} {query}"

    assert await shell.ainvoke({"query": "ls"}) == "sh ls"
    assert parameters(shell)["required"] == ["query"]


@pytest.mark.parametrize(
    "decorate", [tool("other"), tool("other", return_direct=True), tool("other", infer_schema=True)]
)
def test_every_way_to_decorate(decorate: Callable[[Any], BaseTool]) -> None:
    """With a name."""
    made = decorate(search)
    assert (made.name, parameters(made)["required"]) == ("other", ["query"])


def test_with_keywords_only() -> None:
    """The name is the function's."""
    made = tool(description="Finds things.", return_direct=True)(search)
    assert (made.name, made.description, made.return_direct) == ("search", "Finds things.", True)
    assert parameters(made)["required"] == ["query"]


def test_runnables_are_langchains() -> None:
    """They have no signature to translate."""
    runnable = ChatPromptTemplate.from_template("Look up {query}.")
    for made in (tool("named", runnable), tool("named")(runnable)):
        assert (made.name, list(made.args)) == ("named", ["query"])


def plain(query: str, most: int = 5, other: str = Field("a", description="today's")) -> str:
    """Look something up."""
    return f"{query} {most} {other}"


def test_a_function_without_such_fields_is_left_alone() -> None:
    """Nothing of it is wrapped."""
    assert understood(plain) is plain
    assert parameters(tool(plain))["properties"]["other"]["description"] == "today's"


def test_annotations_are_read_only_where_they_must_be() -> None:
    """A function that is left alone may name types that are not there at run time."""

    def function(query: "Nowhere" = None) -> str:  # type: ignore[name-defined]  # noqa: F821, UP037
        """Look something up."""
        return str(query)

    assert understood(function) is function


class Place(BaseModelV1):
    """A model of v1."""

    name: str


def test_a_function_of_v1_models_is_langchains() -> None:
    """LangChain makes a schema of v1 of it, which understands the Fields itself."""

    def visit(place: Place, days: int = FieldV1(2, description="How long")) -> str:
        """Go there."""
        return f"{place.name} {days}"

    visit.__annotations__ = {"place": Place, "days": int, "return": str}
    assert understood(visit) is visit
    assert parameters(tool(visit))["properties"]["days"]["description"] == "How long"


def test_positional_and_variable_arguments_stay() -> None:
    """A wrapped function is called as it was."""

    def function(first: str, *rest: str, last: str = FieldV1("z"), **more: str) -> str:
        """Join."""
        return " ".join([first, *rest, last, *more.values()])

    assert understood(function)("a", "b", "c", x="y") == "a b c z y"
