"""Stop strings, in the visible text and nowhere else (contract row N6)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.fit import fit
from glmgate.adaptation.stop import Stop
from glmgate.errors import InvalidRequest
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from tests.adaptation.asking import asked, says
from tests.adaptation.requests import PROFILE, chat, fitted_chat, fitted_completion, folded, noted, said, through
from tests.adaptation.services import service


@pytest.mark.parametrize("given_stop", ["END", ["END"], ["x", "END"]])
def test_the_engine_is_not_asked_to_stop(given_stop: object) -> None:
    """A string and a list are both enforced by us, and said to be."""
    fitted = fit(chat(stop=given_stop), PROFILE)
    assert getattr(fitted.request, "stop", None) is None
    assert noted(fitted) == ["stop=emulated"]


def test_completions_are_stopped_too() -> None:
    """A text completion has the same stops."""
    assert fitted_completion(stop="END").stop is None


def test_an_empty_list_means_nothing() -> None:
    """No strings, no change."""
    assert fitted_chat(stop=[]).stop is None
    assert fit(chat(stop=[]), PROFILE).notes == ()


@pytest.mark.parametrize("bad", ["", ["a", ""], ["a"] * 5, ["a" * 513]])
def test_bad_stops_are_refused(bad: object) -> None:
    """Empty strings, too many and too long ones are the caller's fault."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(stop=bad), PROFILE)
    assert raised.value.param == "stop"


def test_a_stop_across_pieces_ends_the_answer() -> None:
    """The answer ends before the stop string with finish reason stop, and the stream is left at once."""
    piece = Stop(["\n\n"])
    deltas = [*piece.feed(Delta(content="one\n")), *piece.feed(Delta(content="\ntwo", usage=Usage(3, 4)))]
    choice = folded(deltas)
    assert (choice.content, choice.finish_reason) == ("one", "stop")
    assert piece.done
    assert deltas[-1].usage == Usage(3, 4)


def test_reasoning_is_not_searched() -> None:
    """A stop string inside reasoning does not stop anything."""
    choice = folded(
        through(Stop(["END"]), [Delta(reasoning="the END"), Delta(content="text"), Delta(finish_reason="stop")])
    )
    assert (choice.reasoning, choice.content) == ("the END", "text")


def test_held_text_leaves_before_the_end() -> None:
    """What was held back and did not become a stop string is given with the end, or when the stream breaks off."""
    assert said(Stop(["END"]), "the E").content == "the E"
    assert said(Stop(["END"]), "the EN", finish=False).content == "the EN"


def test_held_text_leaves_before_a_call() -> None:
    """Text that came before a call stays before it."""
    call = ToolCallDelta(index=0, id="c", name="f")
    deltas = through(
        Stop(["END"]), [Delta(content="a E"), Delta(tool_calls=(call,)), Delta(finish_reason="tool_calls")]
    )
    assert [delta.content for delta in deltas] == ["a ", "E", None]


def test_after_the_stop_only_usage_counts() -> None:
    """The rest of a read is not seen, but what it cost is."""
    piece = Stop(["."])
    piece.feed(Delta(content="a."))
    assert piece.feed(Delta(content="b", usage=Usage(1, 9))) == (Delta(usage=Usage(1, 9)),)
    assert piece.feed(Delta(content="c", finish_reason="length")) == ()


def entry(token: str) -> dict[str, Any]:
    """The log probability of one token."""
    return {"token": token, "logprob": -0.1, "bytes": list(token.encode()), "top_logprobs": []}


def test_log_probabilities_of_unseen_text_stay_away() -> None:
    """Tokens of the stop string and after are not told; those before are, each once."""
    tokens = ["one", " two", " ST", "OP", " three"]
    deltas = [Delta(content=token, logprobs={"content": [entry(token)]}) for token in tokens]
    choice = folded(through(Stop([" STOP"]), [*deltas, Delta(finish_reason="stop")]))
    assert choice.content == "one two"
    assert [item["token"] for item in (choice.logprobs or {})["content"]] == ["one", " two"]


def test_log_probabilities_of_a_whole_answer_are_cut_too() -> None:
    """An answer in one piece is cut token by token."""
    tokens = ["one", ".", " two"]
    whole = Delta(content="one. two", logprobs={"content": [entry(token) for token in tokens]}, finish_reason="stop")
    choice = folded(through(Stop(["."]), [whole]))
    assert [item["token"] for item in (choice.logprobs or {})["content"]] == ["one"]


@given(
    st.lists(st.text(alphabet="aE.ND", max_size=5), max_size=8), st.sampled_from([["END"], [".", "aE"], ["DD", "D."]])
)
def test_any_cutting_gives_the_same_answer(texts: list[str], stops: list[str]) -> None:
    """Undoing over pieces equals undoing over the whole."""
    assert said(Stop(stops), *texts) == said(Stop(stops), "".join(texts))


@pytest.mark.parametrize(("name", "sent"), [("zai", ["a"]), ("generic", None), ("openai", ["a", "b", "c"])])
def test_row_n6_services_are_sent_what_they_take(name: str, sent: list[str] | None) -> None:
    """Contract row N6: the first ones; all are enforced by us, which is said where some are not sent."""
    fitted = fit(chat(stop=["a", "b", "c"]), service(name, "m"))
    assert getattr(fitted.request, "stop", None) == sent
    assert noted(fitted) == ([] if name == "openai" else ["stop=emulated"])


def test_row_n6_one_that_is_sent_is_enforced_all_the_same() -> None:
    """Contract row N6: a service that ignores it, and a string that is cut by chunks."""
    outcome = asked(chat(stop="END"), service("zai"), [says("One E", "ND two")])
    assert (outcome.sent[0].stop, outcome.choice.content, outcome.choice.finish_reason) == (["END"], "One ", "stop")


@given(st.integers(1, 6), st.sampled_from([["four"], ["nine", "e f"], ["two", "three"], ["x"]]))
def test_row_n6_stops_hold_across_chunks(size: int, stops: list[str]) -> None:
    """Contract row N6: however the text is cut, it ends before the first of them."""
    text = "one two three four"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    outcome = asked(chat(stop=stops), service("zai"), [says(*pieces)])
    assert outcome.choice.content == text[: min((text.find(stop) for stop in stops if stop in text), default=len(text))]


def test_what_the_service_has_run_stays() -> None:
    """A whole answer has its calls and its text in one piece: the code ran before the words (contract 3.4)."""
    native = ToolCallDelta(0, native={"type": "code_interpreter", "code_interpreter": {"input": "1"}})
    function = ToolCallDelta(1, "a", "f", "{}")
    whole = Delta(content="It is 1. END More.", tool_calls=(native, function), finish_reason="tool_calls")
    choice = folded(through(Stop(["END"]), [whole]))
    assert (choice.content, choice.finish_reason) == ("It is 1. ", "stop")
    assert [call.native for call in choice.calls] == [native.native]
