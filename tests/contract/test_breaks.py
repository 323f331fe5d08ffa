"""Each way in which an answer can break, before and after its first byte, for the users of OpenAI's and GLM's clients.

What they see is always an exception, and the right one; it is never a short answer that looks whole.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.clients.environments import Name
from tests.clients.running import Report, run_script
from tests.contract.bodies import HELLO
from tests.contract.stage import CLIENT_KEY, Upstream, models, staged
from tests.services import BREAKS, Answer, BreakKind, Service, ServiceName, running
from tests.services.breaks import EARLY

ANSWER: Final = Answer("one two three four five", reasoning="hm well ")
REASONED: Final = 2
SPOKEN: Final = 4
SAID: Final[Mapping[int, str]] = {0: "", REASONED: "hm well ", SPOKEN: "hm well one two "}
QUICK: Final = "{ connect = 2, first = 1, idle = 1, total = 20 }"
SDKS: Final[tuple[tuple[Name, str, str], ...]] = (
    ("openai-1", "openai", "/v1"),
    ("openai-3", "openai", "/v1"),
    ("zhipuai", "zhipuai", "/api/paas/v4"),
    ("zai", "zai", "/api/paas/v4"),
)
WHOLE: Final[tuple[BreakKind, ...]] = (
    *("before_headers", "cut", "error_event", "empty_stop", "html", "garbage", "stall", "reset"),
)
"""The breaks that a plain answer can have."""


@dataclass(frozen=True, slots=True)
class Case:
    """A break, and the model that it happens to: a deployment of its own, so that no breaker opens for the others."""

    kind: BreakKind
    after: int
    streamed: bool

    @property
    def model(self) -> str:
        """Its name."""
        return f"m-{self.kind}-{self.after}-{'streamed' if self.streamed else 'plain'}"


def cases() -> Iterator[Case]:
    """All that make sense."""
    for kind in BREAKS:
        yield Case(kind, 0, streamed=True)
        if kind not in EARLY:
            yield Case(kind, REASONED, streamed=True)
        if kind not in EARLY and kind != "empty_stop":
            yield Case(kind, SPOKEN, streamed=True)
    for kind in WHOLE:
        yield Case(kind, 0, streamed=False)


CASES: Final = tuple(cases())
BODIES: Final = json.dumps(
    {case.model: {"model": case.model, "messages": HELLO, "stream": case.streamed} for case in CASES}
)


def set_up(service: Service, *, times: int | None) -> None:
    """Have every model's answers break, always or so many times."""
    service.answer_with(ANSWER, always=True)
    for case in CASES:
        service.break_stream(case.kind, after=case.after, times=times, model=case.model)


@pytest.fixture(scope="module", params=["generic", "vllm"])
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Name, Report]:
    """What each client saw of every break."""
    return asyncio.run(_reports(request.param, tmp_path_factory.mktemp("breaks")))


async def _reports(name: ServiceName, home: Path) -> dict[Name, Report]:
    with running(name) as service:
        set_up(service, times=None)
        upstream = Upstream(service=service, concurrency=100, timeouts=QUICK)
        async with staged(home, upstream, tables=models(*(case.model for case in CASES))) as stage:
            found = await asyncio.gather(
                *(
                    asyncio.to_thread(run_script, client, "breaking", sdk, stage.base(path), CLIENT_KEY, BODIES)
                    for client, sdk, path in SDKS
                )
            )
    return {client: report for (client, _, _), report in zip(SDKS, found, strict=True)}


@pytest.mark.clients
@pytest.mark.parametrize("client", [client for client, _, _ in SDKS])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.model)
def test_a_break_is_the_right_exception(reports: dict[Name, Report], client: Name, case: Case) -> None:
    """Before the first byte a status of its own; after it the SDK's exception for an error in a stream."""
    raised = reports[client].raised(case.model)
    said = reports[client].stories[case.model]["said"]
    if case.after == 0:
        assert raised["status"] in {502, 503, 504}, raised
        assert said == ""
        assert error_of(raised).get("message")
    else:
        assert raised["class"] == ("APIError" if client.startswith("openai") else "APIResponseError"), raised
        assert said == SAID[case.after]


def error_of(raised: dict[str, Any]) -> dict[str, Any]:
    """The error of the body that came with an exception."""
    error: dict[str, Any] = json.loads(raised["text"])["error"]
    return error


@pytest.mark.parametrize("case", [case for case in CASES if case.after == 0], ids=lambda case: case.model)
async def test_a_break_before_the_first_byte_is_healed(tmp_path: Path, case: Case) -> None:
    """Nothing has left, so it is asked again, and the client sees a whole answer."""
    with running("zai") as service:
        service.answer_with(ANSWER, always=True)
        service.break_stream(case.kind, times=1)
        upstream = Upstream(service=service, timeouts=QUICK)
        async with staged(tmp_path / "home", upstream, tables=models("glm-4.6")) as stage:
            told = await stage.chat(streamed=case.streamed)
        assert (told.text, told.reasoning) == (ANSWER.text, ANSWER.reasoning)
        assert len(service.requests) == 2


async def test_a_break_after_the_first_byte_is_never_tried_again(tmp_path: Path) -> None:
    """Reasoning counts: a second attempt would say it twice."""
    with running("zai") as service:
        service.answer_with(ANSWER, always=True)
        service.break_stream("cut", after=1)
        async with staged(tmp_path / "home", Upstream(service=service), tables=models("glm-4.6")) as stage:
            body = {"model": "glm-4.6", "messages": HELLO, "stream": True}
            reply = await stage.post("/v1/chat/completions", body)
        assert reply.stream.chunks[-1]["error"]["message"]
        assert b"[DONE]" not in reply.body
        assert len(service.requests) == 1


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
async def test_a_service_that_is_gone(tmp_path: Path, streamed: bool) -> None:
    """Nobody listens: the next of the route answers, and says that it did."""
    with running("zai") as gone:
        pass
    with running("bigmodel") as other:
        upstreams = (Upstream(service=gone, name="gone"), Upstream(service=other, name="other"))
        tables = models("glm-4.6", upstreams=("gone", "other"))
        async with staged(tmp_path / "home", *upstreams, tables=tables) as stage:
            told = await stage.chat(streamed=streamed)
        assert told.text == "Hello from the service."
        assert len(other.requests) == 1
