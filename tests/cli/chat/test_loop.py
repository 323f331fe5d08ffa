"""Tests of a sitting at a terminal: a person types to `glmgate chat` in a pseudo-terminal and reads."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.chat.person import Person, person
from tests.cli.chat.scripted import Answering, Scripted, calling, chunk, ending, scripted, text
from tests.stories.served import SETTINGS, await_true, serving

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
CTRL_C = "\x03"


def at(service: Scripted, home: Path, *arguments: str) -> Any:
    """A person who talks to this service."""
    return person(home, "--base-url", service.url, "--key", "k", *arguments)


def begun(who: Person) -> Person:
    """Wait for the first prompt."""
    who.see("Ctrl-D ends\n> ")
    return who


def test_an_answer_is_rendered_and_its_speed_told(tmp_path: Path) -> None:
    """Markdown without its marks, thinking dimmed before it, tokens and speed dimmed after it; Ctrl-D ends with 0."""
    thought = chunk(reasoning_content="let me see")
    answer = Answering(events=(thought, chunk(content="# Head\n\nsome **bo"), 0.1, chunk(content="ld**"), *ending()))
    with scripted(answer) as service, at(service, tmp_path) as who:
        begun(who).type("Hello!")
        shown = who.see("7 tokens · ")
        who.see(" tokens/s · ")
        who.see("> ")
        assert who.leave() == 0
    assert shown.index("let me see") < shown.index("Head") < shown.index("some bold")
    assert "\x1b[2;3mlet me see" in who.raw
    assert "\x1b[1mbold" in who.raw
    assert "\x1b[2m7 tokens" in who.raw


def test_ctrl_c_stops_the_answer_and_not_the_program(tmp_path: Path) -> None:
    """The connection closes at once, what had come is kept and marked, and the next question is answered."""
    endless = Answering(
        events=(chunk(content="It was "), chunk(content="once"), 30.0, chunk(content="never"), "[DONE]")
    )
    with scripted(endless, text("Go on.")) as service, at(service, tmp_path) as who:
        begun(who).type("Tell!")
        who.see("It was once")
        pressed = time.monotonic()
        who.press(CTRL_C)
        assert service.wait_until_left() - pressed < 5.0
        who.see("stopped")
        who.see("> ")
        who.type("And?")
        who.see("Go on.")
        who.see("> ")
        assert who.leave() == 0
    assert [message["content"] for message in service.asked[1]["messages"]] == ["Tell!", "It was once […]", "And?"]


def test_a_question_that_was_stopped_before_anything_came_is_taken_back(tmp_path: Path) -> None:
    """It is not asked a second time with the next one."""
    silent = Answering(events=(30.0, "[DONE]"))
    with scripted(silent, text("Yes.")) as service, at(service, tmp_path) as who:
        begun(who).type("one")
        while not service.asked:
            time.sleep(0.01)
        who.press(CTRL_C)
        who.see("stopped")
        who.see("> ")
        who.type("two")
        who.see("Yes.")
    assert [message["content"] for message in service.asked[1]["messages"]] == ["two"]


def test_ctrl_c_at_the_prompt_ends_nothing(tmp_path: Path) -> None:
    """It throws the line away and says how to end."""
    with scripted(text("Yes.")) as service, at(service, tmp_path) as who:
        begun(who).press("half a li")
        # Seen before Ctrl-C is pressed: in a burst of keys Python hears of a signal with the next key only.
        who.see("half a li")
        who.interrupt("Ctrl-D or /quit ends.\n> ")
        who.type("whole")
        who.see("Yes.")
        who.see("> ")
        who.type("/quit")
        who.process.wait(30)
    assert who.process.returncode == 0
    assert service.asked[0]["messages"][0]["content"] == "whole"


def test_an_error_does_not_end_the_conversation(tmp_path: Path) -> None:
    """One line, and the question that failed is taken back."""
    refused = Answering(status=400, body={"error": {"message": "Too odd."}})
    with scripted(refused, text("Yes.")) as service, at(service, tmp_path) as who:
        begun(who).type("odd")
        who.see("The service refused with 400: Too odd.\n> ")
        who.type("even")
        who.see("Yes.")
    assert len(service.asked[1]["messages"]) == 1


def test_what_a_model_writes_cannot_command_the_terminal(tmp_path: Path) -> None:
    """Neither as it is nor by way of Markdown, in text, thinking, names of tools or messages."""
    attack = "\x1b]0;owned\x07"
    evil = Answering(
        events=(
            chunk(reasoning_content=attack),
            chunk(
                content=f"{attack}&#27;]0;owned&#7; &#8238;txt [l](http://e/\x1b]0;owned\x07)\n\n```\n{attack}\n```\n"
            ),
            *ending(),
        )
    )
    called, failed = calling(attack, attack), Answering(status=400, body={"error": {"message": attack}})
    with scripted(evil, called, failed) as service, at(service, tmp_path) as who:
        begun(who).type("one")
        who.see("tokens/s")
        who.see("> ")
        who.type("two")
        who.see("refused with 400")
        who.see("> ")
    assert "\x1b]" not in who.raw
    assert "\x07" not in who.raw
    assert "\u202e" not in who.raw
    assert "␛]0;owned␇" in who.raw


def test_tools_are_run_and_their_results_answered(tmp_path: Path) -> None:
    """With /tools on: the call is shown with its result, and the model writes the answer from it."""
    with (
        scripted(calling("calculator", '{"expression": "12*12"}'), text("It is 144.")) as service,
        at(service, tmp_path) as who,
    ):
        begun(who).type("/tools on")
        who.see("clock and a calculator")
        who.type("12 times 12?")
        who.see('calculator {"expression": "12*12"} → {"result": "144"}')
        who.see("It is 144.")
    assert [tool["function"]["name"] for tool in service.asked[0]["tools"]] == ["get_time", "calculator"]
    question, call, result = service.asked[1]["messages"]
    assert question["content"] == "12 times 12?"
    assert call["tool_calls"][0]["function"] == {"name": "calculator", "arguments": '{"expression": "12*12"}'}
    assert result == {"role": "tool", "tool_call_id": "call-1", "content": '{"result": "144"}'}


def test_a_model_that_only_calls_tools_is_stopped(tmp_path: Path) -> None:
    """After eight rounds, with a line that says so."""
    with scripted(*[calling("calculator", '{"expression": "1"}')] * 9) as service, at(service, tmp_path) as who:
        begun(who).type("?")
        who.see("called tools 8 times")
    assert len(service.asked) == 8


def test_settings_of_the_conversation_are_sent(tmp_path: Path) -> None:
    """/system, /model and /think change the next request, and nothing is sent that was not set."""
    with scripted(text("one"), text("two"), text("three")) as service, at(service, tmp_path) as who:
        begun(who).type("a")
        who.see("tokens/s")
        for line in ("/system Be brief.", "/model other", "/think off", "b"):
            who.see("> ")
            who.type(line)
        who.see("two")
        for line in ("/clear", "/system", "/think on", "c"):
            who.see("> ")
            who.type(line)
        who.see("three")
    first, second, third = service.asked
    assert {"thinking", "tools"}.isdisjoint(first)
    assert second["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (second["model"], second["thinking"]) == ("other", {"type": "disabled"})
    assert third["messages"] == [{"role": "user", "content": "c"}]
    assert third["thinking"] == {"type": "enabled"}


def test_thinking_can_be_hidden(tmp_path: Path) -> None:
    """That there is some is still told."""
    thinking = Answering(events=(chunk(reasoning_content="secret thoughts"), chunk(content="Done."), *ending()))
    with scripted(thinking) as service, at(service, tmp_path) as who:
        begun(who).type("/think hide")
        who.see("> ")
        who.type("a")
        who.see("thinking …")
        who.see("Done.")
    assert "secret" not in who.raw


def test_a_conversation_can_be_saved_and_loaded(tmp_path: Path) -> None:
    """By another sitting, which goes on where the first ended; a file that is something else is left alone."""
    file, other = tmp_path / "talk.json", tmp_path / "other.txt"
    other.write_text("precious")
    with scripted(text("I am **well**.")) as service, at(service, tmp_path) as who:
        begun(who).type("How are you?")
        who.see("tokens/s")
        who.see("> ")
        who.type(f"/save {file}")
        who.see("Saved")
        who.type(f"/save {other}")
        who.see("give another name")
    assert other.read_text() == "precious"
    assert file.stat().st_mode & 0o077 == 0
    with scripted(text("Yes.")) as service, at(service, tmp_path) as who:
        begun(who).type(f"/load {other}")
        who.see("holds no conversation")
        who.type(f"/load {file}")
        who.see("Loaded 2 messages")
        who.type("Really?")
        who.see("Yes.")
    said = [message["content"] for message in service.asked[0]["messages"]]
    assert said == ["How are you?", "I am **well**.", "Really?"]
    assert json.loads(file.read_text())["model"] == "scripted"


def test_a_picture_goes_with_the_next_question(tmp_path: Path) -> None:
    """As a data URL beside the text; a model that refuses it is told with what to do, and the picture is dropped."""
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "a.txt").write_text("no picture")
    refused = Answering(status=400, body={"error": {"message": "No images."}})
    with scripted(refused, text("Yes.")) as service, at(service, tmp_path) as who:
        begun(who).type(f"/image {tmp_path}/a.txt")
        who.see("is no PNG")
        who.type(f"/image {tmp_path}/none.png")
        who.see("cannot be read")
        who.type(f"/image {tmp_path}/a.png")
        who.see("next question")
        who.type("What is it?")
        who.see("No images. The question had an image")
        who.see("> ")
        who.type("Well?")
        who.see("Yes.")
    picture, words = service.asked[0]["messages"][0]["content"]
    assert picture["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert words == {"type": "text", "text": "What is it?"}
    assert service.asked[1]["messages"] == [{"role": "user", "content": "Well?"}]


def test_the_history_is_kept_for_its_owner(tmp_path: Path) -> None:
    """The arrow key brings back a line of the sitting before."""
    home = tmp_path / "home"
    with scripted(text("one"), text("two")) as service:
        with at(service, home) as who:
            begun(who).type("an unusual question")
            who.see("tokens/s")
            who.see("> ")
            assert who.leave() == 0
        assert (home / "chat_history").stat().st_mode & 0o077 == 0
        with at(service, home) as who:
            begun(who).press("\x1b[A\n")
            who.see("two")
    assert service.asked[1]["messages"][0]["content"] == "an unusual question"


def test_help_and_mistakes_are_told(tmp_path: Path) -> None:
    """Without asking the service for anything but its models."""
    with scripted() as service, at(service, tmp_path) as who:
        begun(who).type("/help")
        who.see("/image FILE")
        who.type("/hlep")
        who.see("do you mean /help?")
        who.type("/model")
        who.see("* scripted")
    assert service.asked == []


@pytest.mark.engine
def test_the_built_in_model_talks(tmp_path: Path) -> None:
    """A real server, found and opened without a flag, is asked two questions. It is too fast to be stopped."""
    with (
        serving(tmp_path / "home", SETTINGS) as served,
        person(served.home, GLMGATE_SERVER_PORT=str(served.port)) as who,
    ):
        assert "glmgate-tiny at http://127.0.0.1" in who.see("Ctrl-D ends\n> ")
        who.type("Tell me a short fairy tale about a fox.")
        who.see(" tokens/s · ")
        who.see("> ")
        who.type("Hello!")
        who.see(" tokens/s · ")
        who.see("> ")
        assert who.leave() == 0
        await_true(lambda: served.in_flight() == 0, 30.0)
