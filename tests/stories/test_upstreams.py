"""Services behind a served process, and OpenAI's client before it: answers, streams, failover, reload."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai import APIStatusError, OpenAI

from tests.services import KEYS, Answer, Service, running
from tests.stories.asking import ask
from tests.stories.served import SETTINGS, Served, await_true, serving

HELLO: Any = [{"role": "user", "content": "Hello"}]


@dataclass(frozen=True, slots=True)
class Stage:
    """A server, a client of it, and the two services behind it."""

    served: Served
    client: OpenAI
    first: Service
    spare: Service

    def chat(self, model: str = "glm-4.6", **members: Any) -> Any:
        """A whole answer."""
        return self.client.chat.completions.create(model=model, messages=HELLO, **members)

    def configure(self, text: str) -> None:
        """Write other settings, and wait until the server has read them."""
        before = len(self.told())
        (self.served.home / "glmgate.toml").write_text(SETTINGS + text)
        await_true(lambda: len(self.told()) > before, 20)

    def told(self) -> list[dict[str, Any]]:
        """What the log says of settings."""
        lines = self.served.log.read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in entries if entry["logger"] == "glmgate.settings"]


def upstream(name: str, service: Service, *, more: str = "") -> str:
    """A table for a service."""
    return (
        f'[[upstreams]]\nname = "{name}"\nprofile = "{service.kind.name}"\nbase_url = "{service.base_url}"\n'
        f'credentials = ["file:key"]\n{more}\n'
    )


def settings(first: Service, spare: Service, *, more: str = "") -> str:
    """One model, on both services in turn."""
    return (
        upstream("first", first, more=more)
        + upstream("spare", spare)
        + '[[models]]\nname = "glm-4.6"\naliases = ["gpt-4o"]\n'
        + 'route = [{ upstream = "first" }, { upstream = "spare" }]\n'
    )


@contextmanager
def staged(home: Path, *, more: str = "") -> Iterator[Stage]:
    """A server before two services."""
    home.mkdir(exist_ok=True)
    (home / "key").write_text(KEYS[0])
    with ExitStack() as stack:
        first, spare = stack.enter_context(running("zai")), stack.enter_context(running("vllm"))
        served = stack.enter_context(serving(home, SETTINGS + settings(first, spare, more=more)))
        client = OpenAI(api_key=served.key, base_url=served.base("/v1"), max_retries=0)
        yield Stage(served, stack.enter_context(client), first, spare)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage of the stories that change nothing for others."""
    with staged(tmp_path_factory.mktemp("upstreams") / "home") as stage:
        yield stage


def test_a_plain_answer_comes_from_the_service(shared: Stage) -> None:
    """With our credential and never the client's; the log and the metrics know who answered."""
    answer = shared.chat(temperature=1.7)
    assert (answer.model, answer.choices[0].message.content) == ("glm-4.6", "Hello from the service.")
    assert answer.choices[0].message.reasoning_content
    assert shared.first.last.credential == KEYS[0]
    assert shared.served.key not in json.dumps(dict(shared.first.last.headers))
    entry = shared.served.requests()[-1]
    assert (entry["deployment"], entry["place"], entry["attempts"]) == (
        "glm-4.6",
        "first/glm-4.6",
        ["first/glm-4.6 ok"],
    )
    assert "temperature=1.7->1" in entry["notes"][0]
    assert shared.served.metric("glmgate_attempts_total", deployment="first/glm-4.6", outcome="ok") >= 1


def test_a_stream_comes_as_it_is_said(shared: Stage) -> None:
    """An alias is answered by the model that it stands for, which says so."""
    shared.first.answer_with(Answer(text="one two three", reasoning=""))
    chunks = list(shared.chat("gpt-4o", stream=True, stream_options={"include_usage": True}))
    assert {chunk.model for chunk in chunks} == {"glm-4.6"}
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two three"
    assert chunks[-1].usage.completion_tokens > 0
    assert "model=gpt-4o->glm-4.6" in shared.served.requests()[-1]["notes"]


def test_names_are_listed_and_known(shared: Stage) -> None:
    """The routed model first; what is built in stands in for nobody."""
    assert shared.client.models.list().data[0].id == "glm-4.6"
    assert shared.client.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(APIStatusError) as caught:
        shared.client.embeddings.create(model="text-embedding-3-small", input="a")
    assert caught.value.status_code == 404


def test_the_spare_answers_where_the_first_cannot(shared: Stage) -> None:
    """Streamed or not, the client sees an answer; the log has every attempt."""
    for stream in (False, True):
        shared.first.fail_with(401, code="1000", times=1)
        answer = shared.chat(stream=stream)
        text = (
            "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
            if stream
            else answer.choices[0].message.content
        )
        assert text == "Hello from the service."
        assert shared.served.requests()[-1]["place"] == "spare/glm-4.6"
    engines = ask(shared.served.place, "GET", "/readyz").json["engines"]
    assert engines["upstream:first"]["parked"] == 1
    assert engines["upstream:spare"]["state"] == "ready"
    assert shared.served.metric("glmgate_upstream_parked", upstream="first", credential="0") == 1


def test_settings_change_without_a_request_lost(tmp_path: Path) -> None:
    """While streams run: a new model is there, old answers end, new ones begin, nothing fails."""
    with staged(tmp_path / "home") as stage, ThreadPoolExecutor(8) as pool:
        stage.first.slow(between_s=0.02)
        stage.first.answer_with(Answer(text="word " * 50, reasoning=""), always=True)
        over = threading.Event()

        def ask_on() -> int:
            answers = 0
            while not over.is_set():
                chunks = list(stage.chat(stream=True))
                assert chunks[-1].choices[0].finish_reason == "stop"
                answers += 1
            return answers

        running_on = [pool.submit(ask_on) for _ in range(3)]
        text = settings(stage.first, stage.spare)
        stage.configure(text + '[[models]]\nname = "new"\nroute = [{ upstream = "spare", model = "glm-4.6" }]\n')
        assert stage.chat("new").model == "glm-4.6"
        stage.configure(text + "[server]\nprot = 1\n")
        assert stage.chat("new").model == "glm-4.6"
        before = len(stage.told())
        (stage.served.home / "glmgate.toml").write_text(
            SETTINGS + text.replace('"first" }, ', '"first", weight = 2 }, ')
        )
        stage.served.process.send_signal(signal.SIGHUP)
        await_true(lambda: len(stage.told()) > before, 20)
        over.set()
        assert sum(each.result(60) for each in running_on) >= 3
        assert [line["event"] for line in stage.told()][:2] == [
            "settings reloaded",
            "settings refused, the old ones stay",
        ]
        assert {entry["ending"] for entry in stage.served.requests()} == {"completed"}
        with pytest.raises(APIStatusError) as caught:
            stage.chat("new")
        assert caught.value.status_code == 404


def test_one_slot_serves_many_in_turn(tmp_path: Path) -> None:
    """Twenty clients at once, a service that allows one: all are answered, and it refuses nobody."""
    with staged(tmp_path / "home", more="concurrency = 1") as stage, ThreadPoolExecutor(20) as pool:
        stage.first.allow(concurrent=1)
        answers = list(pool.map(lambda _: stage.chat(), range(20)))
        assert [answer.choices[0].message.content for answer in answers] == ["Hello from the service."] * 20
        assert [heard.status for heard in stage.first.requests] == [200] * 20
        assert not stage.spare.requests
