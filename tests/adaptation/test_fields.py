"""Members that a service does not have, and those that have another shape there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.adaptation.fields import absent, beside_functions, pieces_of_calls, searching
from glmgate.adaptation.fit import fit
from glmgate.adaptation.profile import parse
from glmgate.errors import UnsupportedValue
from glmgate.wire.members import plain
from tests.adaptation.requests import BARE, WEATHER, chat, completion, noted
from tests.adaptation.services import SERVICES, service

FIELDS = msgspec.structs.replace(BARE, fields={"seed": "omit", "novelty": "omit", "top_k": "refuse", "min_p": "pass"})


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, []),
        ({"seed": 1}, [("seed=omitted", False)]),
        ({"novelty": {"a": 1}}, [("novelty=omitted", False)]),
        ({"novelty": None}, []),
        ({"min_p": 0.5}, []),
        ({"top_k": 0}, [("top_k=omitted", True)]),
    ],
)
def test_what_is_not_there_is_left_out_and_told(members: dict[str, Any], told: list[tuple[str, bool]]) -> None:
    """Known members and others alike; exactly when it says what nothing says too."""
    change = absent(chat(**members), FIELDS)
    assert [(str(note), note.exact) for note in change.notes] == told
    assert set(plain(change.request)) == {"model", "messages"} | (set(members) & {"min_p"}) | (
        {"novelty"} if members == {"novelty": None} else set()
    )


def test_what_the_answer_would_be_wrong_without_is_refused() -> None:
    """The member is named."""
    with pytest.raises(UnsupportedValue) as raised:
        absent(chat(top_k=5), FIELDS)
    assert raised.value.param == "top_k"


def test_other_requests_have_the_rule_too() -> None:
    """Members that they do not have are no matter."""
    change = absent(completion(seed=3, temperature=1), FIELDS)
    assert (noted(change), plain(change.request)["temperature"]) == (["seed=omitted"], 1)


def test_a_user_takes_a_rule_back() -> None:
    """By `pass` in a profile of his own."""
    profile = parse('extends = "zai"\n[fields]\nlogprobs = "pass"\n', origin="file")
    assert plain(absent(chat(logprobs=True), profile).request)["logprobs"] is True


@pytest.mark.parametrize(
    ("size", "content_size"), [("low", "medium"), ("medium", "medium"), ("high", "high"), ("novelty", None), (5, None)]
)
def test_a_search_has_a_size(size: object, content_size: str | None) -> None:
    """Of two words there; one that is not known is told."""
    change = searching(chat(web_search_options={"search_context_size": size}, tools=[WEATHER]), service("zai"))
    _, tool = plain(change.request)["tools"]
    assert tool["web_search"].get("content_size") == content_size
    assert ("web_search_options.search_context_size=omitted" in noted(change)) is (content_size is None)


@pytest.mark.parametrize("options", [{}, None, "yes"])
def test_only_an_object_is_a_search(options: object) -> None:
    """Anything else is left to the service."""
    change = searching(chat(web_search_options=options), service("zai"))
    assert (change.request.tools is not None) is (options == {})


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"tool_choice": "none"}, ["tool_choice=omitted"]),
        ({"parallel_tool_calls": True}, ["parallel_tool_calls=true->false"]),
        ({"parallel_tool_calls": False}, []),
        ({}, []),
    ],
)
def test_older_functions_have_words_of_their_own(members: dict[str, Any], told: list[str]) -> None:
    """Newer ones beside them are not obeyed, which is told."""
    change = beside_functions(chat(functions=[{"name": "f"}], **members), BARE)
    assert (noted(change), change.request.tool_choice) == (told, None)
    assert beside_functions(chat(**members), BARE).notes == ()


def test_pieces_are_asked_for_once() -> None:
    """Where the caller has said it, nothing is added."""
    asked = chat(stream=True, tools=[WEATHER], tool_stream=True)
    assert pieces_of_calls(asked, service("zai")).notes == ()


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_said_of_a_stream_is_told_where_there_is_none(name: str) -> None:
    """Services refuse `stream_options` beside a plain answer, so they are not sent; an unknown member is not lost."""
    options = {"include_usage": True, "novelty": 1}
    assert noted(fit(chat(stream_options=options), service(name))) == ["stream_options.novelty=omitted"]
    assert "stream_options" not in plain(fit(chat(stream_options=options), service(name)).request)


@pytest.mark.parametrize("name", ["openai", "vllm", "zai"])
def test_what_is_said_of_a_stream_goes_with_it(name: str) -> None:
    """An open service reads it; text completions have the rule too."""
    options = {"include_usage": True, "novelty": 1}
    assert noted(fit(chat(stream=True, stream_options=options), service(name))) == []
    told = fit(completion(max_tokens=600, stream_options=options), service("openai"))
    assert [str(note) for note in told.notes] == ["stream_options.novelty=omitted"]
