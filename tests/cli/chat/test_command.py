"""Tests of `glmgate chat` in a pipe: the answer alone on standard output, and errors in one line with what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from glmgate.cli.main import main
from tests.cli.chat.scripted import Answering, Scripted, chunk, ending, scripted, text
from tests.stories.served import SETTINGS, free_port, serving


def chat(home: Path, *arguments: str, said: str = "", **variables: str) -> Result:
    """The program, with standard input from a pipe."""
    return CliRunner().invoke(main, ["chat", *arguments], input=said, env={"GLMGATE_HOME": str(home), **variables})


def ask(service: Scripted, home: Path, *arguments: str, said: str = "Hello!") -> Result:
    """A question to a scripted service."""
    return chat(home, "--base-url", service.url, "--key", "k", *arguments, said=said)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a machine that nothing was done on."""
    return tmp_path / "home"


def test_a_pipe_gets_the_answer_alone(home: Path) -> None:
    """`echo … | glmgate chat`: text as it is, no thinking, no figures, a line feed at the end, status 0."""
    answer = Answering(events=(chunk(reasoning_content="hm"), chunk(content="**Hi"), chunk(content="** 你"), *ending()))
    with scripted(answer) as service:
        result = ask(service, home)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "**Hi** 你\n", "")
    assert service.asked[0]["messages"] == [{"role": "user", "content": "Hello!"}]
    assert (service.asked[0]["model"], service.keys) == ("scripted", ["Bearer k"])


def test_a_question_can_be_an_argument(home: Path) -> None:
    """And the model can be named, whatever the service lists."""
    with scripted(text("Yes.")) as service:
        result = ask(service, home, "--model", "glm-4.6", "Really?", said="not read")
    assert result.stdout == "Yes.\n"
    assert (service.asked[0]["model"], service.asked[0]["messages"][0]["content"]) == ("glm-4.6", "Really?")


def test_control_characters_do_not_reach_a_pipe(home: Path) -> None:
    """What is at the end of a pipe is often a terminal."""
    with scripted(text("\x1b]0;owned\x07", "ok\x9b2J")) as service:
        assert ask(service, home).stdout == "␛]0;owned␇ok\ufffd2J\n"


def test_a_service_that_does_not_stream_is_read(home: Path) -> None:
    """A plain JSON answer to a request for a stream."""
    body = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    with scripted(Answering(body=body)) as service:
        assert ask(service, home).stdout == "whole\n"


def error(status: int, code: str = "x", message: str = "No.", **headers: str) -> Answering:
    """A refusal as services write it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answering(status=status, body={"error": {"code": code, "message": message}}, headers=named)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error(401), "does not accept the key: No. Give another with --key."),
        (error(404), "does not know the model or the address: No. 'scripted' was asked for at"),
        (error(429), "limit is reached: No."),
        (error(429, retry_after="3600"), "Try again in 3600 s."),
        (error(429, code="1113", retry_after="0"), "no credit left"),
        (error(500, message="a\nb\x1b[2J"), "failed with 500: a b␛[2J."),
        (Answering(status=502, body=b"<html>bad gateway</html>"), "failed with 502."),
        (Answering(body=b"<html>hello</html>"), "not as a chat service"),
        (Answering(events=(chunk(content="x"), {"error": {"message": "broke"}})), "broke off its answer: broke."),
        (Answering(events=(chunk(content="x"), "[DONE]")), "may be cut off"),
        (Answering(events=("{",)), "not as a chat service"),
    ],
)
def test_an_error_is_one_line_with_what_to_do(home: Path, answer: Answering, told: str) -> None:
    """On standard error, with status 1."""
    with scripted(answer) as service:
        result = ask(service, home)
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert told in result.stderr


def test_nobody_there_is_told_with_the_command_that_helps(home: Path) -> None:
    """The first thing that goes wrong for who has only just installed it."""
    port = free_port()
    result = chat(home, "Hello!", GLMGATE_SERVER_PORT=str(port))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.strip().endswith(f"http://127.0.0.1:{port}/v1: start the server with `glmgate serve`.")
    assert not home.exists()


def test_an_empty_question_is_a_mistake_in_the_use(home: Path) -> None:
    """An empty pipe is nobody's question."""
    assert chat(home, said=" \n").exit_code == 2


def test_who_says_when_to_come_back_is_asked_again_then(home: Path) -> None:
    """429 and 503 with `retry-after`: the wait is told on standard error, the answer is whole."""
    busy = error(429, message="Busy.", retry_after="0.05")
    with scripted(busy, error(503, message="Loading.", retry_after="0"), text("There.")) as service:
        result = ask(service, home)
    assert (result.exit_code, result.stdout) == (0, "There.\n")
    assert "Busy. Try again in 1 s." in result.stderr
    assert len(service.asked) == 3


def test_it_does_not_ask_for_ever(home: Path) -> None:
    """A service that is always busy is asked four times."""
    with scripted(*[error(429, retry_after="0")] * 9) as service:
        assert ask(service, home).exit_code == 1
    assert len(service.asked) == 4


def test_the_environment_counts_only_where_no_server_runs_and_no_flag_is_given(home: Path) -> None:
    """OPENAI_BASE_URL and its key: said on standard error, never mixed with a flag."""
    port = str(free_port())
    with scripted(text("one"), text("two")) as service:
        variables = {"OPENAI_BASE_URL": service.url, "OPENAI_API_KEY": "theirs", "GLMGATE_SERVER_PORT": port}
        result = chat(home, "Hello!", **variables)
        flagged = chat(home, "--base-url", service.url, "Hello!", **variables)
        refused = chat(home, "--key", "mine", "Hello!", **variables)
    assert result.stdout == "one\n"
    assert service.url in result.stderr
    assert flagged.stdout == "two\n"
    assert service.keys == ["Bearer theirs", None]
    assert refused.exit_code == 1


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://x:99999"])
def test_a_base_url_that_is_none_is_told(home: Path, url: str) -> None:
    """With how one looks."""
    result = chat(home, "--base-url", url, "Hello!")
    assert result.exit_code == 1
    assert repr(url) in result.stderr
    assert "https://" in result.stderr


def loaded(module: str) -> set[str]:
    """The modules that are there after this one was imported by a fresh interpreter."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_server_does_not_wait_for_the_chat_nor_the_chat_for_the_server() -> None:
    """Neither loads what only the other needs; a pipe loads no line editing."""
    assert not {name for name in loaded("glmgate.cli.serve") if name.startswith("glmgate.cli.chat")}
    assert not {"sqlalchemy", "uvicorn", "structlog", "rich", "readline"} & loaded("glmgate.cli.chat.command")


@pytest.mark.engine
def test_the_server_of_this_machine_answers_without_any_flag(tmp_path: Path) -> None:
    """Its port is in the settings, its key in the home, beside an administrator's: `echo … | glmgate chat` is all."""
    CliRunner().invoke(main, ["keys", "create", "--name", "root", "--admin"], env={"GLMGATE_HOME": f"{tmp_path}/home"})
    with serving(tmp_path / "home", SETTINGS) as served:
        result = chat(served.home, said="Hello!", GLMGATE_SERVER_PORT=str(served.port))
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.strip()
        unknown = chat(served.home, "--model", "nothing-1", "Hello!", GLMGATE_SERVER_PORT=str(served.port))
        assert "'nothing-1' was asked for" in unknown.stderr
        strange = chat(served.home, "--key", "a.b", "Hello!", GLMGATE_SERVER_PORT=str(served.port))
        assert "does not accept the key" in strange.stderr
