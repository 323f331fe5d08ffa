"""The main job: each snippet of the two pages runs unchanged, on every client that it is for and on both surfaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clients.environments import Name
from tests.clients.running import Running, run_file, running_script
from tests.clients.snippets import LANGCHAIN, SEEDS, SNIPPETS, Predicate, Run, Snippet
from tests.stories.served import Served, reply_of

pytestmark = [pytest.mark.clients, pytest.mark.engine]

AS_PRINTED = "/api/paas/v4/"


@dataclass(slots=True)
class Runs:
    """Each snippet's run, made when it is first asked for: all its predicates judge the same one.

    As printed, a snippet runs as the program that it is. For OpenAI's surface those of one client take turns in one
    interpreter, which saves the import of the SDK, most of the time that a run takes.
    """

    served: Served
    folder: Path
    stack: ExitStack
    done: dict[tuple[str, Name, str], Run] = field(default_factory=dict)
    interpreters: dict[Name, Running] = field(default_factory=dict)

    def of(self, snippet: Snippet, client: Name, base: str) -> Run:
        """The run of a snippet with a client against a base path."""
        case = (snippet.name, client, base)
        if case not in self.done:
            file = self.folder / f"{snippet.name}.py"
            address = self.served.base(base)
            file.write_text(snippet.text(self.served.key, address), encoding="utf-8")
            before = len(self.served.requests())
            output = self._alone(file, client, address) if base == AS_PRINTED else self._in_turn(file, client)
            requests = self.served.requests(after=before)
            self.done[case] = Run(output, self._tokens(output) - self._tokens(""), requests)
        return self.done[case]

    def _tokens(self, text: str) -> int:
        body = {"model": "glm-4.6", "messages": [{"role": "user", "content": text}]}
        counted = reply_of(self.served, body, base="/api/paas/v4", path="/tokenizer").json
        return int(counted["usage"]["total_tokens"])

    def _alone(self, file: Path, client: Name, address: str) -> str:
        done = run_file(client, file, {"ZHIPUAI_BASE_URL": address})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _in_turn(self, file: Path, client: Name) -> str:
        if client not in self.interpreters:
            self.interpreters[client] = self.stack.enter_context(running_script(client, "snippets_in_turn"))
        self.interpreters[client].say(str(file))
        told = json.loads(self.interpreters[client].hear())
        assert told["error"] is None, told["error"]
        return str(told["output"])


@pytest.fixture(scope="module")
def runs(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The runs of all snippets."""
    with ExitStack() as stack:
        yield Runs(served, tmp_path_factory.mktemp("snippets"), stack)


def cases() -> Iterator[object]:
    """Every predicate of every snippet on every client; where the page's own address has no `/v1`, none is tried."""
    for snippet in SNIPPETS:
        for client in snippet.clients:
            for base in (AS_PRINTED, "/v1") if client.startswith("openai") else (AS_PRINTED,):
                for predicate in snippet.predicates:
                    name = f"{snippet.name}-{client}-{'v1' if base == '/v1' else 'v4'}-{predicate.__name__}"
                    yield pytest.param(snippet, client, base, predicate, id=name)


@pytest.mark.parametrize(("snippet", "client", "base", "predicate"), list(cases()))
def test_a_snippet_does_what_it_is_for(
    runs: Runs, snippet: Snippet, client: Name, base: str, predicate: Predicate
) -> None:
    """A snippet with another key and address in it meets each of its predicates."""
    run = runs.of(snippet, client, base)
    assert predicate(run), f"{predicate.__doc__}\n{run.output}\n{run.requests}"


def test_every_file_is_run() -> None:
    """No snippet lies there unused."""
    assert {file.stem for file in SEEDS.iterdir()} == {snippet.name for snippet in SNIPPETS} | set(LANGCHAIN)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.name)
def test_nothing_but_key_and_address_is_replaced(snippet: Snippet) -> None:
    """What stands in a snippet beside its placeholders is what the page prints."""
    printed = (SEEDS / f"{snippet.name}.txt").read_text(encoding="utf-8").splitlines()
    changed = snippet.text("id.secret", "http://127.0.0.1:1/api/paas/v4/").splitlines()
    assert len(printed) == len(changed)
    differing = [(before, after) for before, after in zip(printed, changed, strict=True) if before != after]
    assert all("id.secret" in after or "127.0.0.1" in after for _, after in differing)
    assert any("id.secret" in after for _, after in differing)
