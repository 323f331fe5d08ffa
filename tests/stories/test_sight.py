"""What an operator sees of a served program: its metrics, its log, and `glmgate top`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.asking import Place, ask
from tests.stories.served import Served, await_true, reply_of, serving

SECRET = "the-words-of-a-caller"
CHAT = {
    "model": "glmgate-tiny",
    "messages": [{"role": "user", "content": f"Say {SECRET}"}],
    "max_tokens": 8,
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that has answered a plain chat and a streamed one."""
    with serving(tmp_path_factory.mktemp("sight")) as served:
        assert reply_of(served, CHAT).status == 200
        assert reply_of(served, CHAT | {"stream": True}).status == 200
        await_true(lambda: len(served.requests()) == 2, 10)
        yield served


def top(served: Served, *flags: str) -> subprocess.CompletedProcess[str]:
    """`glmgate top` for that server, in a pipe."""
    url = served.base("")
    return subprocess.run(
        [sys.executable, "-m", "glmgate", "top", "--url", url, *flags],
        env=os.environ | {"GLMGATE_HOME": str(served.home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_engines_metrics_have_vllms_names(asked: Served) -> None:
    """What was answered is counted there, too."""
    labels = {"model_name": "glmgate-tiny", "engine": "0"}
    assert asked.metric("vllm:generation_tokens_total", **labels) > 0
    assert asked.metric("vllm:prompt_tokens_total", **labels) > 0
    assert asked.metric("vllm:time_to_first_token_seconds_count", **labels) == 2
    assert asked.metric("vllm:request_queue_time_seconds_count", **labels) == 2
    assert asked.metric("vllm:num_requests_running", **labels) == 0
    assert asked.metric("vllm:cache_config_info", **labels) == 1


def test_the_gateways_metrics_have_the_conventions_names(asked: Served) -> None:
    """Requests and tokens alike."""
    labels = {"gen_ai_operation_name": "chat", "gen_ai_response_model": "glmgate-tiny"}
    assert asked.metric("gen_ai_server_request_duration_seconds_count", **labels) == 2
    assert asked.metric("gen_ai_client_token_usage_count", gen_ai_token_type="output", **labels) == 2


def test_a_line_of_the_log_has_everything(asked: Served) -> None:
    """Ids, tokens, charge and times."""
    (line, _) = asked.requests()
    assert {"request_id", "uid", "trace_id", "key_id", "project", "model", "deployment", "notes", "ending"} <= set(line)
    assert {"prompt", "completion", "charge", "estimated", "first_ms", "token_ms", "gap_ms", "total_ms"} <= set(line)
    assert line["token_ms"] is not None


def test_contents_are_nowhere(asked: Served) -> None:
    """Neither in the log nor in the metrics nor in what is going on."""
    assert SECRET not in asked.log.read_text(encoding="utf-8")
    for path in ("/metrics", "/glmgate/now", "/readyz"):
        assert SECRET not in ask(asked.place, "GET", path).body.decode()


def test_top_shows_it_once_in_a_pipe(asked: Served) -> None:
    """Without colours, and it ends."""
    shown = top(asked)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "0 in flight" in shown.stdout
    assert "glmgate-tiny: ready, 0 of" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_top_as_json(asked: Served) -> None:
    """For programs."""
    now = json.loads(top(asked, "--json").stdout)
    assert (now["in_flight"], now["engines"][0]["name"]) == (0, "glmgate-tiny")


def test_top_without_a_server_says_so(asked: Served, tmp_path: Path) -> None:
    """In a line, with exit status 1."""
    shown = top(asked, "--url", "http://127.0.0.1:9")
    assert shown.returncode == 1
    assert "No server answers at http://127.0.0.1:9" in shown.stderr


def test_what_is_going_on_is_not_for_pages_of_elsewhere(asked: Served) -> None:
    """A name of elsewhere that leads here, or a page's own request, is asked for an administrator's key."""
    nobody = Place(asked.port, None)
    assert ask(nobody, "GET", "/glmgate/now").status == 200
    assert ask(nobody, "GET", "/glmgate/now", headers={"Host": "evil.example"}).status == 401
    assert ask(nobody, "GET", "/glmgate/now", headers={"Origin": "http://evil.example"}).status == 401
    assert ask(asked.place, "GET", "/glmgate/now", headers={"Host": "evil.example"}).status == 403
