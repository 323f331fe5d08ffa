"""Tools that a service runs itself, through each SDK (contract 0.4, 3.4): as they left the service, they arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.clients.environments import Name
from tests.clients.running import Report, run_script
from tests.clients.running_tools import CODE, LIST, LOGS, PAGE, PICTURE, SEARCH, before_bigmodel
from tests.services import Service
from tests.stories.served import Served

pytestmark = pytest.mark.clients

SDKS: dict[Name, str] = {
    "openai-1": "openai",
    "openai-2": "openai",
    "openai-3": "openai",
    "zhipuai": "zhipuai",
    "zai": "zai",
}
KINDS = ("code_interpreter", "web_browser", "drawing_tool")
SAID = {
    "code_interpreter": {"input": CODE.input, "outputs": [LOGS]},
    "web_browser": {"input": SEARCH.input, "outputs": [PAGE]},
    "drawing_tool": {"input": "", "outputs": [dict(PICTURE.outputs[0])]},
}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Service]]:
    """The server and the service behind it, for all SDKs."""
    with before_bigmodel(tmp_path_factory.mktemp("built-in-tools")) as found:
        yield found
        assert found[1].refusals == []
        assert found[1].ignored == []


@pytest.fixture(scope="module", params=[(name, base) for name in SDKS for base in ("/api/paas/v4", "/v1")], ids=str)
def report(request: pytest.FixtureRequest, chain: tuple[Served, Service]) -> Report:
    """What one SDK gave on one surface."""
    name, base = request.param
    served, _ = chain
    return run_script(name, "built_in_tools", SDKS[name], served.base(base), served.key)


def joined(pieces: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    """What the calls of one kind say together."""
    bodies = [piece[kind] for piece in pieces if piece["type"] == kind]
    outputs = [output for body in bodies for output in body.get("outputs", ())]
    return {"input": "".join(body.get("input", "") for body in bodies), "outputs": outputs}


def test_a_plain_answer(report: Report) -> None:
    """Each call once, the function among them."""
    calls = report.gave("whole")["choices"][0]["message"]["tool_calls"]
    assert [call["type"] for call in calls] == [*KINDS, "function"]
    assert {kind: joined(calls, kind) for kind in KINDS} == SAID
    assert calls[-1]["function"] == {"name": "shell", "arguments": LIST.text}


def test_a_stream(report: Report) -> None:
    """Each piece has an index of its own; nothing is lost."""
    pieces = report.gave("streamed")
    own = [piece for piece in pieces if piece.get("type") in KINDS]
    assert [piece["index"] for piece in own] == list(range(8))
    assert {kind: joined(own, kind) for kind in KINDS} == SAID
    assert next(piece["id"] for piece in own if piece.get("id")) == "call_-99070"
    arguments = [piece["function"]["arguments"] for piece in pieces if piece not in own]
    assert "".join(arguments) == LIST.text


def test_the_next_turn(report: Report, chain: tuple[Served, Service]) -> None:
    """Pieces may go back as they came."""
    assert report.gave("goes_on") == "All done."
    sent = [body for body in chain[1].bodies if body["messages"][-1]["content"] == "And then?"]
    assert joined(sent[-1]["messages"][1]["tool_calls"], "code_interpreter") == SAID["code_interpreter"]


def test_openais_helper(report: Report) -> None:
    """`.stream()` puts each piece where its index says."""
    if "helped" not in report.stories:
        pytest.skip("only OpenAI's client has it")
    calls = report.gave("helped")["choices"][0]["message"]["tool_calls"]
    assert {kind: joined(calls, kind) for kind in KINDS} == SAID
