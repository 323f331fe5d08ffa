"""A server whose model is unloaded at once and whose callers do not wait: what 503 is to each client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.environments import Name
from tests.clients.running import run_script
from tests.stories.bodies import chat
from tests.stories.served import SETTINGS, Served, await_true, reply_of, serving

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HURRIED = SETTINGS + "idle_s = 0.2\nstart_wait_s = 0.01\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server."""
    with serving(tmp_path_factory.mktemp("hurried"), HURRIED) as server:
        yield server


@pytest.fixture
def hurried(running: Served) -> Served:
    """The server, its model not loaded."""
    await_true(lambda: not running.engines(), within_s=20)
    return running


@pytest.mark.parametrize(("base", "code"), [("/v1", "service_unavailable"), ("/api/paas/v4", "1230")])
@pytest.mark.parametrize("stream", [True, False])
def test_an_engine_that_loads_is_503(hurried: Served, base: str, code: str, stream: bool) -> None:
    """With the time after which another try may help; and it does."""
    reply = reply_of(hurried, chat(stream=stream), base=base)
    assert reply.status == 503
    assert reply.error["code"] == code
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.headers["x-should-retry"] == "true"
    await_true(lambda: reply_of(hurried, chat(max_tokens=1), base=base).status == 200, within_s=20)


def test_an_idle_model_is_unloaded(hurried: Served) -> None:
    """After it was used it goes again, and its process with it."""
    await_true(lambda: reply_of(hurried, chat(max_tokens=1)).status == 200, within_s=20)
    await_true(lambda: not hurried.engines(), within_s=20)


@pytest.mark.clients
@pytest.mark.parametrize(
    ("client", "sdk", "base", "kind"),
    [
        ("openai-1", "openai", "/v1", "InternalServerError"),
        ("openai-2", "openai", "/v1", "InternalServerError"),
        ("openai-3", "openai", "/v1", "InternalServerError"),
        ("zhipuai", "zhipuai", "/api/paas/v4", "APIServerFlowExceedError"),
        ("zai", "zai", "/api/paas/v4", "APIServerFlowExceedError"),
    ],
)
def test_503_is_the_right_exception(hurried: Served, client: Name, sdk: str, base: str, kind: str) -> None:
    """As each SDK has it (contract 1.1)."""
    raised = run_script(client, "retrying", sdk, hurried.base(base), hurried.key, "0").raised("chat")
    assert (raised["class"], raised["status"]) == (kind, 503)
