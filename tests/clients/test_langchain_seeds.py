"""The page's LangChain snippets run verbatim, as programs, on the shim: with the built-in model and with a service.

Key and address are in the environment, as the page says. What is appended to a snippet only looks at what it made.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.clients.running import TIME_OUT_S
from tests.clients.snippets import SEEDS
from tests.services import KEYS, Answer, ScriptedCall, ScriptedTool, Service, running
from tests.stories.served import SETTINGS, Served, serving

pytestmark = [pytest.mark.engine, pytest.mark.slow]

UPSTREAM: Final = """
[[upstreams]]
name = "bigmodel"
profile = "bigmodel"
base_url = "{url}"
credentials = ["file:key"]

[[models]]
name = "glm-4"
route = [{{ upstream = "bigmodel", model = "{model}" }}]
"""
LISTING: Final = Answer("", calls=(ScriptedCall("shell", {"query": "echo $((6 * 7)); echo oh >&2"}),))


@dataclass(frozen=True, slots=True)
class Stage:
    """A server before a service that can be scripted."""

    served: Served
    service: Service

    def run(self, folder: Path, more: str = "") -> subprocess.CompletedProcess[str]:
        """The agent's snippet, on this server."""
        return run_seed("langchain_agent", self.served, folder, more)


def run_seed(name: str, served: Served, folder: Path, more: str = "") -> subprocess.CompletedProcess[str]:
    """Run a snippet as its readers do, with `more` behind its last line."""
    printed = (SEEDS / f"{name}.txt").read_text(encoding="utf-8")
    (folder / "seed.py").write_text(printed + more, encoding="utf-8")
    account = {"ZHIPUAI_API_KEY": served.key, "ZHIPUAI_API_BASE": served.base("/api/paas/v4/")}
    return subprocess.run(
        [sys.executable, "-m", "langchain_zhipuai.compat", "run", "seed.py"],
        cwd=folder,
        env=os.environ | account | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=TIME_OUT_S,
        check=False,
    )


@pytest.fixture(scope="module", params=["glm-4-plus", "glm-4-alltools"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server whose `glm-4` is answered by BigModel's, once without and once with tools of its own."""
    home = tmp_path_factory.mktemp("agents") / "home"
    home.mkdir()
    (home / "key").write_text(KEYS[0])
    with running("bigmodel") as service:
        settings = SETTINGS + UPSTREAM.format(url=service.base_url, model=request.param)
        with serving(home, settings) as served:
            yield Stage(served, service)


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """No test hears what another one asked."""
    if "stage" in request.fixturenames:
        request.getfixturevalue("stage").service.forget()


def test_the_agent_with_the_built_in_model(served: Served, tmp_path: Path) -> None:
    """It prints the chain's beginning, an answer, and its end, and asks once."""
    before = len(served.requests())
    done = run_seed("langchain_agent", served, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "> Entering new ZhipuAiAllToolsAgentExecutor chain..." in done.stdout
    assert "Hello" in done.stdout
    assert done.stdout.rstrip().endswith("> Finished chain.\x1b[0m")
    (request,) = served.requests(after=before)
    assert (request["surface"], request["model"], request["ending"]) == ("zai", "glm-4", "completed")


def test_the_embeddings_with_the_built_in_model(served: Served, tmp_path: Path) -> None:
    """As many vectors and numbers as the page's comments say; nothing is printed."""
    assert run_seed("langchain_embeddings", served, tmp_path).stdout == ""
    done = run_seed("langchain_embeddings", served, tmp_path, "\nprint(len(output), len(output[0]))\n")
    assert done.stdout == "1 1024\n", done.stderr


def test_a_call_of_the_shell_and_the_answer(stage: Stage, tmp_path: Path) -> None:
    """The command runs here, its output goes back in standard messages, and the second turn answers."""
    stage.service.answer_with(LISTING, "The answer is 42.")
    done = stage.run(tmp_path)
    assert done.returncode == 0, done.stderr
    asked, said, ends = (done.stdout.find(word) for word in ("echo $((6 * 7))", "42\noh\n", "The answer is 42."))
    assert 0 <= asked < said < ends
    assert "without any safeguard" in done.stderr
    first, second = (heard.body for heard in stage.service.requests)
    (function,) = [tool["function"] for tool in first["tools"] if tool["type"] == "function"]
    query = function["parameters"]["properties"]["query"]
    assert (function["name"], function["description"]) == ("shell", "Use Shell to execute system shell commands")
    assert (query["description"], function["parameters"]["required"]) == ("The command to execute", ["query"])
    *_, call, result = second["messages"]
    assert (call["role"], call["tool_calls"][0]["function"]["name"]) == ("assistant", "shell")
    assert result["content"] == "42\noh\n"
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]
    assert (stage.service.refusals, stage.service.ignored) == ([], [])


def test_the_steps_are_returned(stage: Stage, tmp_path: Path) -> None:
    """The snippet's own executor, asked once more: the value of a tool is there as it was."""
    stage.service.answer_with("Hello.", LISTING, "The answer is 42.")
    more = """
result = agent_executor.invoke({"input": "List.", "chat_history": []})
(action, observation), = result["intermediate_steps"]
print(result["output"], action.tool, action.tool_input, type(observation).__name__, repr(observation.data), sep="|")
"""
    done = stage.run(tmp_path, more)
    told = done.stdout.splitlines()[-1]
    query = {"query": "echo $((6 * 7)); echo oh >&2"}
    assert told == f"The answer is 42.|shell|{query!r}|BaseToolOutput|'42\\noh\\n'", done.stderr


@pytest.mark.parametrize("stage", ["glm-4-alltools"], indirect=True)
def test_code_of_the_model_is_shown_and_not_run(stage: Stage, tmp_path: Path) -> None:
    """The snippet names nobody who runs code, so it ends with an error that says how to."""
    trace = tmp_path / "ran"
    code = f"open({str(trace)!r}, 'w').close()"
    stage.service.answer_with(Answer("", calls=(ScriptedTool("code_interpreter", code),)))
    done = stage.run(tmp_path)
    assert done.returncode == 1
    assert "CodeNotRun" in done.stderr
    assert code in done.stderr
    assert "code_executor=" in done.stderr
    assert not trace.exists()


@pytest.mark.parametrize("stage", ["glm-4-alltools"], indirect=True)
def test_pages_that_the_service_has_found_are_the_answer(stage: Stage, tmp_path: Path) -> None:
    """The snippet's executor has no tool for them, and needs none."""
    page: dict[str, Any] = {"title": "Cats", "link": "http://example.org/cats", "content": "They purr."}
    stage.service.answer_with(Answer("", calls=(ScriptedTool("web_browser", "cats", (page,)),)))
    done = stage.run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Cats\nhttp://example.org/cats\nThey purr." in done.stdout
    assert len(stage.service.requests) == 1
