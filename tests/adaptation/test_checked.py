"""Answers that are looked at before they go on: whatever a service says, the caller gets what was asked or an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.profile import Profile
from glmgate.errors import ContextLengthExceeded, EngineFailed, GlmgateError, UnsupportedValue
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from tests.adaptation.asking import Outcome, asked, calls, says, whole
from tests.adaptation.requests import TIME, WEATHER, chat, folded
from tests.adaptation.services import service

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
FORM: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
GOOD = '{"a": 1}'
REQUIRED: dict[str, Any] = {"tools": [WEATHER, TIME], "tool_choice": "required"}
WORDS, HELD = service("zai"), service("vllm")
CALL = ("get_weather", '{"city": "Oslo"}')

TEXTS = st.sampled_from(
    [*(GOOD, f"```json\n{GOOD}\n```", '{"a": "x"}', "[1]", "Prose.", "", " ", '{"a": 1', "Here: {}", "1", "汉字")]
)
CALLS = st.lists(
    st.sampled_from([CALL, ("get_time", ""), ("get_time", "{"), ("nobody", "{}"), ("get_weather", "[]")]), max_size=2
)
ENDS: st.SearchStrategy[FinishReason] = st.sampled_from(
    ["stop", "length", "tool_calls", "sensitive", "network_error", "model_context_window_exceeded"]
)


@st.composite
def answers(draw: st.DrawFn) -> list[Delta]:
    """Anything that a service may say, in pieces of any size."""
    text, size = draw(TEXTS), draw(st.integers(1, 9))
    deltas = [Delta(reasoning="Hm. ")] if draw(st.booleans()) else []
    deltas += [Delta(content=text[start : start + size]) for start in range(0, len(text), size)]
    deltas += calls(*draw(CALLS), size=size)[:-1]
    deltas.append(Delta(finish_reason=draw(ENDS), usage=Usage(10, 5)))
    return whole(deltas) if draw(st.booleans()) else deltas


def tried(profile: Profile, given_answers: list[list[Delta]], members: dict[str, Any]) -> Outcome | GlmgateError:
    """What comes of it."""
    try:
        return asked(chat(**members), profile, given_answers)
    except GlmgateError as error:
        return error


def is_valid_call(outcome: Outcome) -> bool:
    """Whether there are calls of functions that were offered, whose arguments can be read."""
    found = outcome.choice.calls
    names = {call.name for call in found} <= {"get_weather", "get_time"}
    return bool(found) and names and all(isinstance(json.loads(call.arguments), dict) for call in found)


def is_valid_text(outcome: Outcome) -> bool:
    """Whether the text is what the schema says."""
    value = json.loads(outcome.choice.content)
    return isinstance(value, dict) and isinstance(value.get("a"), int)


@given(st.sampled_from([WORDS, HELD]), st.lists(answers(), min_size=1, max_size=4), st.booleans())
def test_row_r1_whatever_is_said_the_caller_gets_what_was_asked(
    profile: Profile, said: list[list[Delta]], has_tools: bool
) -> None:
    """Contract row R1: valid JSON (or a call), an answer that says it was cut off or filtered, or an error."""
    members = {"response_format": FORM} | ({"tools": [WEATHER, TIME]} if has_tools else {})
    outcome = tried(profile, said, members)
    if isinstance(outcome, GlmgateError):
        assert isinstance(outcome, EngineFailed | UnsupportedValue | ContextLengthExceeded)
        return
    match outcome.choice.finish_reason:
        case "stop":
            assert is_valid_text(outcome)
        case "tool_calls":
            assert has_tools
            assert is_valid_call(outcome)
        case "sensitive":
            assert not outcome.choice.content or outcome.choice.content[:1] in "{[" or outcome.choice.calls
        case reason:
            assert reason in ("length", "model_context_window_exceeded")
            assert outcome.choice.calls or outcome.choice.content.lstrip()[:1] in ("{", "[")


@given(st.sampled_from([WORDS, HELD]), st.lists(answers(), min_size=1, max_size=3))
def test_row_c1_whatever_is_said_the_caller_gets_a_call(profile: Profile, said: list[list[Delta]]) -> None:
    """Contract row C1: a call, an answer that says it was cut off or filtered, or an error; never prose alone."""
    outcome = tried(profile, said, REQUIRED)
    if isinstance(outcome, GlmgateError):
        assert isinstance(outcome, EngineFailed | UnsupportedValue | ContextLengthExceeded)
        return
    if outcome.choice.finish_reason == "sensitive":
        assert profile is HELD or not outcome.choice.content
        return
    assert outcome.choice.calls
    assert outcome.choice.finish_reason != "tool_calls" or is_valid_call(outcome)


@given(
    st.sampled_from([WORDS, HELD]),
    st.sampled_from(
        [{"response_format": FORM}, REQUIRED, {**REQUIRED, "tool_choice": "auto", "response_format": FORM}]
    ),
    st.lists(st.tuples(TEXTS, CALLS), min_size=1, max_size=3),
    st.integers(1, 5),
    st.integers(6, 40),
)
def test_any_rechunking_gives_the_same_answer(
    profile: Profile, members: dict[str, Any], said: list[tuple[str, list[tuple[str, str]]]], small: int, large: int
) -> None:
    """However an answer is cut into pieces, the caller sees the same, or both fail."""

    def cut(size: int) -> list[list[Delta]]:
        return [
            [
                *(Delta(content=text[start : start + size]) for start in range(0, len(text), size)),
                *calls(*named, size=size),
            ]
            for text, named in said
        ]

    one, other = tried(profile, cut(small), members), tried(profile, cut(large), members)
    if isinstance(one, GlmgateError) or isinstance(other, GlmgateError):
        assert type(one) is type(other)
    else:
        assert one.choice == other.choice
        assert len(one.sent) == len(other.sent)


def test_reasoning_goes_on_and_text_waits() -> None:
    """Thoughts leave as they come; the text when it is known to be good."""
    outcome = asked(chat(response_format=FORM), WORDS, [says('{"a"', ": 1}", reasoning="Hm.")])
    assert [(delta.reasoning, delta.content) for delta in outcome.deltas if delta.reasoning or delta.content] == [
        ("Hm.", None),
        (None, GOOD),
    ]


def test_what_a_service_holds_to_goes_on_at_once() -> None:
    """Where the decoder is constrained, JSON that begins well is not held back."""
    outcome = asked(chat(response_format=FORM), HELD, [says('{"a"', ": 1}")])
    assert [delta.content for delta in outcome.deltas if delta.content] == ['{"a"', ": 1}"]
    assert outcome.noted == []


def test_what_begins_with_prose_is_held_to_its_end() -> None:
    """Also when JSON comes after it; the repair streams again."""
    outcome = asked(chat(response_format=FORM), HELD, [says("Sure: ", "{", "}"), says('{"a"', ": 1}")])
    assert [delta.content for delta in outcome.deltas if delta.content] == ['{"a"', ": 1}"]
    assert outcome.noted == ["response_format=repaired"]


def test_a_bad_end_of_what_has_left_is_an_error() -> None:
    """It cannot be taken back, so it must not look like a success."""
    with pytest.raises(UnsupportedValue) as raised:
        asked(chat(response_format=FORM), HELD, [says('{"a"', ': "x"}'), says(GOOD)])
    assert raised.value.param == "response_format"


def test_a_repair_shows_the_model_what_was_wrong() -> None:
    """Its own words, the problem, and no thinking; the caller's limit holds for each call."""
    outcome = asked(chat(response_format=FORM, max_tokens=5000), WORDS, [says('{"a": "x"}'), says(GOOD)])
    first, second = outcome.sent
    assert second.messages[: len(first.messages)] == first.messages
    answer, correction = second.messages[len(first.messages) :]
    assert (answer.role, answer.content, correction.role) == ("assistant", '{"a": "x"}', "user")
    assert "integer" in str(correction.content)
    assert second.thinking is not None
    assert (second.thinking.type, second.max_tokens) == ("disabled", 5000)
    assert outcome.noted == ["response_format=emulated", "response_format=repaired"]


def test_thoughts_of_repairs_are_not_shown() -> None:
    """They are about what the caller never saw."""
    outcome = asked(chat(response_format=FORM), WORDS, [says("No.", reasoning="One. "), says(GOOD, reasoning="Two. ")])
    assert (outcome.choice.reasoning, outcome.choice.content) == ("One. ", GOOD)


@pytest.mark.parametrize(("good_at", "tokens"), [(0, Usage(10, 1)), (1, Usage(20, 2)), (2, Usage(30, 3))])
def test_usage_is_that_of_all_calls(good_at: int, tokens: Usage) -> None:
    """Also along a chain of repairs, and at most two of them."""
    outcome = asked(chat(response_format=FORM), WORDS, [says("No.")] * good_at + [says(GOOD)])
    assert (outcome.usage, len(outcome.sent), outcome.choice.content) == (tokens, good_at + 1, GOOD)


def test_at_last_it_is_an_error_that_routing_may_take_elsewhere() -> None:
    """Nothing of the prose is in it; it is not asked again by itself."""
    with pytest.raises(UnsupportedValue) as raised:
        asked(chat(response_format=FORM), WORDS, [says("Some prose.")])
    assert (raised.value.status, raised.value.remedy, raised.value.retry) == (400, "next", False)
    assert "prose" not in raised.value.message


@pytest.mark.parametrize("profile", [WORDS, HELD])
def test_thoughts_that_ate_the_limit_are_repaired(profile: Profile) -> None:
    """Nothing but reasoning up to the limit ("distributed facts 2"): asked again without thinking."""
    outcome = asked(
        chat(response_format=FORM, max_tokens=5000), profile, [says(reasoning="Hm.", finish="length"), says(GOOD)]
    )
    assert (outcome.choice.content, outcome.choice.finish_reason) == (GOOD, "stop")


def test_what_a_limit_cut_off_says_so() -> None:
    """JSON that began well ends with `length`, which clients act upon; asking again would be cut off again."""
    outcome = asked(chat(response_format=FORM, max_tokens=3), WORDS, [says('{"a"', ": ", finish="length")])
    assert (outcome.choice.content, outcome.choice.finish_reason, len(outcome.sent)) == ('{"a":', "length", 1)


def test_a_filter_shows_no_prose() -> None:
    """What was said before it is not what was asked for."""
    outcome = asked(chat(response_format=FORM), WORDS, [says("Some prose", finish="sensitive")])
    assert (outcome.choice.content, outcome.choice.finish_reason) == ("", "sensitive")


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    """What was held is not thrown away in silence."""
    with pytest.raises(EngineFailed):
        asked(chat(response_format=FORM), WORDS, [[Delta(content=GOOD)]])


def test_log_probabilities_go_with_their_text() -> None:
    """As long as the text is the model's to the letter."""
    entry = {"content": [{"token": GOOD, "logprob": -0.1}]}
    deltas = [Delta(content=GOOD, logprobs=entry), Delta(finish_reason="stop")]
    profile = service("sglang")
    assert asked(chat(response_format=FORM, logprobs=True), profile, [deltas]).choice.logprobs == entry


def test_what_a_service_runs_by_itself_goes_on() -> None:
    """Pieces of its own tools are neither text nor calls (contract 3.4)."""
    native = ToolCallDelta(5, native={"type": "web_search", "web_search": {}})
    outcome = asked(chat(response_format=FORM), WORDS, [[Delta(tool_calls=(native,)), *says(GOOD)]])
    assert outcome.deltas[0] == Delta(tool_calls=(native,))
    assert outcome.choice.content == GOOD


RAN: dict[str, Any] = {"id": "a", "type": "code_interpreter", "code_interpreter": {"input": "1"}}


@pytest.mark.parametrize("profile", [WORDS, HELD], ids=["asked", "held"])
@pytest.mark.parametrize("is_whole", [False, True])
def test_what_it_runs_keeps_apart_from_calls(profile: Profile, is_whole: bool) -> None:
    """Its pieces and those of functions have indexes of their own, also over several calls (contract 0.4)."""
    again = RAN | {"id": "b"}
    native = (ToolCallDelta(0, native=RAN),)
    first = [Delta(tool_calls=native), *says("Prose.")]
    pieces = (ToolCallDelta(0, native=again), ToolCallDelta(1, "c", "get_weather", CALL[1]))
    second = [Delta(tool_calls=pieces), Delta(finish_reason="tool_calls")]
    if is_whole:
        first = [Delta(tool_calls=native, content="Prose.", finish_reason="stop")]
        second = [Delta(tool_calls=pieces, finish_reason="tool_calls")]
    outcome = asked(chat(response_format=FORM, tools=[WEATHER]), profile, [first, second])
    assert [piece.index for delta in outcome.deltas for piece in delta.tool_calls] == [0, 1, 2]
    assert [call.native or call.name for call in outcome.choice.calls] == [RAN, again, "get_weather"]
    assert outcome.choice.calls[2].arguments == CALL[1]


def test_a_call_beside_a_form_is_an_answer_too() -> None:
    """With tools, the model may call instead (contract rows C1 and R1 together)."""
    outcome = asked(chat(response_format=FORM, tools=[WEATHER]), WORDS, [calls(CALL)])
    assert (outcome.choice.calls[0].arguments, outcome.choice.finish_reason) == (CALL[1], "tool_calls")
    assert folded(outcome.deltas) == outcome.choice
