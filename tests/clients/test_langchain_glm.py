"""The old package of the migration page against us: langchain_glm 0.0.2 and its agent (contract section 8, item 7)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.clients.environments import needs
from tests.clients.running import Report, run_script
from tests.clients.running_tools import CODE, LOGS, PAGE, SHORT, before_bigmodel
from tests.services import Service
from tests.stories.served import Served

pytestmark = [pytest.mark.clients, needs("langchain-glm")]

NEW_TOKEN: Final = 2
"""The status of a piece of text."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the stories gave, and the service that was asked."""

    report: Report
    service: Service

    def bodies(self, said: str, *, model: str) -> list[Mapping[str, Any]]:
        """The conversations with `model` that begin with these words of the user's."""
        return [
            body
            for body in self.service.bodies
            if body["model"] == model
            and said in [message["content"] for message in body["messages"] if message["role"] == "user"]
        ]


@pytest.fixture(scope="module", params=["/api/paas/v4/", "/v1"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The stories on each surface, before a server that asks a strict BigModel."""
    with before_bigmodel(tmp_path_factory.mktemp("langchain-glm")) as (served, service):
        report = run_script("langchain-glm", "langchain_glm_agent", served.base(request.param), served.key)
        yield Told(report, service)
        assert service.refusals == []
        assert service.ignored == []


def tokens_of(statuses: list[dict[str, Any]]) -> str:
    """The text that was told piece by piece."""
    return "".join(each["text"] for each in statuses if each.get("status") == NEW_TOKEN)


def one(statuses: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The only status of a class."""
    (found,) = [each for each in statuses if each["class"] == kind]
    return found


def test_a_plain_answer(told: Told) -> None:
    """Of the model that is its default."""
    assert told.report.gave("plain") == "All done."


@pytest.mark.parametrize(("story", "asked"), [("executor", "glm-4"), ("executor_all_tools", "glm-4-alltools")])
def test_the_pages_flow(told: Told, story: str, asked: str) -> None:
    """A function there and back in two requests; the second has the call as text, and a result that answers nothing."""
    assert told.report.gave(story) == {"output": "All done.", "steps": [["shell", {"query": "ls"}, "ran ls"]]}
    bodies = [body for body in told.bodies("List the files.", model=asked) if body.get("max_tokens") == 64]
    assert len(bodies) == 2
    assert bodies[1]["messages"][-2]["content"] == "arguments='{'query': 'ls'}', name='shell'"
    assert bodies[1]["messages"][-1] == {
        "role": "tool",
        "content": "ran ls",
        "tool_call_id": "call_-78070",
        "name": "shell",
    }
    kinds = [tool["type"] for tool in bodies[0]["tools"]]
    assert kinds == (
        ["function"] if asked == "glm-4" else ["function", "code_interpreter", "web_browser", "drawing_tool"]
    )


def test_pieces_of_a_stream_stay_apart(told: Told) -> None:
    """Contract 0.4: LangChain joins pieces of one index, so each has its own."""
    gave = told.report.gave("stream")
    assert gave["classes"] == ["ALLToolsMessageChunk"]
    assert [piece["index"] for piece in gave["pieces"]] == [0, 1, 2, 3]
    bodies = [json.loads(piece["args"]) for piece in gave["pieces"]]
    assert "".join(body.get("input", "") for body in bodies) == CODE.input
    assert bodies[-1] == {"outputs": [LOGS]}
    assert gave["pieces"][0]["id"] == "call_-99070"


def test_calls_of_every_kind_in_one_stream(told: Told) -> None:
    """With a function among them."""
    gave = told.report.gave("stream_everything")
    outputs = {call["name"]: call["args"].get("outputs") for call in gave["calls"] if call["name"] != "shell"}
    assert outputs == {
        "code_interpreter": [LOGS],
        "web_browser": [PAGE],
        "drawing_tool": [{"image": "https://pictures.test/cat.png"}],
    }
    names = [piece["name"] for piece in gave["pieces"]]
    assert [names.count(name) for name in ("code_interpreter", "web_browser", "drawing_tool", "shell")] == [4, 2, 2, 1]


def test_code_that_the_service_ran(told: Told) -> None:
    """Its text comes in pieces, then an action with what came out; what it says goes back as text and a result."""
    statuses = told.report.gave("code")
    action = one(statuses, "AllToolsAction")
    assert (action["tool"], action["tool_input"]) == ("code_interpreter", CODE.input)
    assert action["log"].endswith("42")
    assert tokens_of(statuses) == f"{CODE.input}All done."
    assert one(statuses, "AllToolsFinish")["return_values"] == {"output": "All done."}
    assert [message["role"] for message in told.bodies("Compute.", model="glm-4-alltools")[2]["messages"]] == [
        *("system", "user", "assistant", "tool")
    ]


@pytest.mark.parametrize(("story", "code"), [("code_here", CODE.input), ("short_code_here", SHORT.input)])
def test_code_that_the_client_runs(told: Told, story: str, code: str) -> None:
    """Contract 3.4: with `sandbox: none` code alone comes, also where the service sent it in one piece."""
    statuses = told.report.gave(story)
    action = one(statuses, "AllToolsAction")
    assert (action["tool"], action["tool_input"], action["log"]) == ("code_interpreter", code, f"{code}\r\n")
    assert one(statuses, "AllToolsFinish")["return_values"] == {"output": "All done."}
    assert any("42" in str(message["content"]) for body in told.service.bodies for message in body["messages"][2:]), (
        "what came out went back"
    )


@pytest.mark.parametrize(
    ("story", "tool", "found"),
    [("browser", "web_browser", "content:Rain."), ("drawing", "drawing_tool", "https://pictures.test/cat.png")],
)
def test_tools_that_end_the_agent(told: Told, story: str, tool: str, found: str) -> None:
    """A call that came in one piece, or without anything put in, would kill the package's parser."""
    statuses = told.report.gave(story)
    assert one(statuses, "AllToolsAction")["tool"] == tool
    assert found in one(statuses, "AllToolsFinish")["return_values"]["output"]


def test_a_function_of_the_agent_of_all_tools(told: Told) -> None:
    """Beside a built-in tool that is not called."""
    statuses = told.report.gave("function")
    action = one(statuses, "AllToolsAction")
    assert (action["tool"], action["tool_input"]) == ("shell", {"query": "ls"})
    assert one(statuses, "AllToolsFinish")["return_values"] == {"output": "All done."}


def test_embeddings(told: Told) -> None:
    """The page's own numbers."""
    assert told.report.gave("embeddings") == [1024]


@pytest.mark.engine
def test_the_built_in_model(served: Served) -> None:
    """It has none of these tools, and the page's flow comes to its end all the same; vectors have their size."""
    stories = ("plain", "executor", "executor_all_tools", "embeddings")
    report = run_script("langchain-glm", "langchain_glm_agent", served.base("/api/paas/v4/"), served.key, *stories)
    assert report.gave("plain")
    assert report.gave("embeddings") == [1024]
    for story in ("executor", "executor_all_tools"):
        gave = report.gave(story)
        assert gave["output"] or gave["steps"]
        assert all(tool == "shell" for tool, _, _ in gave["steps"])
