"""Tests of the keys of thoughts: which conversations are the same, and which are not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.reasoning import History, Scope, family_of
from glmgate.wire.chat import ChatRequest
from glmgate.wire.fold import CompletedCall, CompletedChoice
from glmgate.wire.members import convert

SCOPE = Scope("org", "project", "glm-4.6")
ASKED: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather?"}]
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Paris", "days": 2}'},
}


def chat(messages: list[dict[str, Any]]) -> ChatRequest:
    """A request as it is read from a body."""
    return convert({"model": "m", "messages": messages}, ChatRequest)


def history(messages: list[dict[str, Any]], scope: Scope = SCOPE) -> History:
    """The keys of a conversation."""
    return History(scope, chat(messages).messages)


def answer(
    text: str = "", *, thought: str | None = "Let me see.", calls: tuple[CompletedCall, ...] = ()
) -> CompletedChoice:
    """An answer as it is folded."""
    return CompletedChoice(index=0, content=text, reasoning=thought, calls=calls, finish_reason="stop", logprobs=None)


def kept(messages: list[dict[str, Any]], choice: CompletedChoice, scope: Scope = SCOPE) -> dict[str, str]:
    """What a store holds after an answer."""
    return {thought.key: thought.text for thought in history(messages, scope).thoughts(choice)}


def restored(messages: list[dict[str, Any]], held: dict[str, str], scope: Scope = SCOPE) -> list[str | None]:
    """The thoughts of each message after those that are held were put back."""
    asked = chat(messages)
    found = History(scope, asked.messages)
    return [message.reasoning_content for message in found.restored(asked, held)[0].messages]


SUNNY = kept(ASKED, answer("\nIt is sunny."))
CALLED = kept(ASKED, answer(calls=(CompletedCall("call_1", "weather", '{"city":"Paris","days":2}'),)))


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "\nIt is sunny."},
        {"role": "assistant", "content": "It is sunny."},
        {"role": "assistant", "content": [{"type": "text", "text": "\nIt is sunny."}]},
        {"role": "assistant", "content": "\nIt is sunny.", "reasoning_content": None, "refusal": None, "name": "bot"},
        {"role": "assistant", "content": "\nIt is sunny.", "reasoning_content": ""},
    ],
)
def test_a_turn_is_known_again(message: dict[str, Any]) -> None:
    """Row N14: as clients send it, with its spaces or without, as text or parts, with members of theirs or without."""
    assert restored([*ASKED, message, {"role": "user", "content": "Thanks"}], SUNNY) == [None, "Let me see.", None]


@pytest.mark.parametrize(
    "arguments", ['{"city": "Paris", "days": 2}', '{"days":2,"city":"Paris"}', {"days": 2, "city": "Paris"}]
)
@pytest.mark.parametrize("content", [None, "", [], [{"type": "text", "text": ""}]])
@pytest.mark.parametrize("call_id", ["call_1", "another"])
def test_a_call_is_known_again(arguments: object, content: object, call_id: str) -> None:
    """Null, empty and absent text are one, and so are all spellings of the arguments; ids need not be the same."""
    call = {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": arguments}}
    said = {"role": "assistant", "content": content, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": call_id, "content": "sunny"}
    assert restored([*ASKED, said, result], CALLED) == [None, "Let me see.", None]


def test_a_legacy_call_is_known_again() -> None:
    """Contract C7: who speaks the older functions knows no ids."""
    said = {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "weather", "arguments": '{"days":2,"city":"Paris"}'},
    }
    assert restored([*ASKED, said], CALLED) == [None, "Let me see."]


@pytest.mark.parametrize(
    "before",
    [
        [{"role": "system", "content": "It is 12:01."}, *ASKED],
        [{"role": "user", "content": "Another question"}],
        [],
    ],
)
def test_ids_of_calls_are_known_in_a_changed_conversation(before: list[dict[str, Any]]) -> None:
    """A date in the first message, messages cut off: the id of the call still tells, the text does not."""
    changed = [*before, {"role": "assistant", "content": "Wait.", "tool_calls": [CALL]}]
    assert restored(changed, CALLED)[-1] == "Let me see."
    unknown = {**CALL, "id": "call_2"}
    assert restored([*before, {"role": "assistant", "content": "Wait.", "tool_calls": [unknown]}], CALLED)[-1] is None


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "What is the weather??"}, {"role": "assistant", "content": "It is sunny."}],
        [{"role": "system", "content": "What is the weather?"}, {"role": "assistant", "content": "It is sunny."}],
        [*ASKED, {"role": "assistant", "content": "It is rainy."}],
        [*ASKED, *ASKED, {"role": "assistant", "content": "It is sunny."}],
        [*ASKED, {"role": "assistant", "content": "It is sunny.", "tool_calls": [CALL]}],
        [*ASKED, {"role": "user", "content": "It is sunny."}],
    ],
)
def test_another_conversation_gets_nothing(messages: list[dict[str, Any]]) -> None:
    """Another word, role, message or call."""
    assert set(restored(messages, SUNNY)) == {None}


@pytest.mark.parametrize(
    "scope",
    [Scope("org", "other", "glm-4.6"), Scope("other", "project", "glm-4.6"), Scope("org", "project", "glm-4.5")],
)
def test_another_scope_gets_nothing(scope: Scope) -> None:
    """Neither another project nor another family of models finds a thought, by its conversation or by its calls."""
    said = [*ASKED, {"role": "assistant", "content": "", "tool_calls": [CALL]}]
    assert restored(said, CALLED) == [None, "Let me see."]
    assert restored(said, CALLED, scope) == [None, None]


@pytest.mark.parametrize("brought", [{"reasoning_content": "mine"}, {"reasoning": "mine"}])
def test_what_a_client_brings_itself_stays(brought: dict[str, str]) -> None:
    """Under either name; it may be its own."""
    said = [*ASKED, {"role": "assistant", "content": "It is sunny.", **brought}]
    assert restored(said, SUNNY)[-1] == brought.get("reasoning_content")


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, True),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAB"}}, False),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}, False),
        ({"type": "input_audio", "input_audio": {"data": "AAAA"}}, False),
        ({"type": "text", "text": "data:image/png;base64,AAAA"}, False),
    ],
)
def test_what_a_user_shows_counts(other: dict[str, Any], is_same: bool) -> None:
    """Two images are two questions; parts of kinds that nobody knows count too."""
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    one, two = ([{"role": "user", "content": [{"type": "text", "text": "Look"}, part]}] for part in (shown, other))
    held = kept(one, answer("I see."))
    assert restored([*two, {"role": "assistant", "content": "I see."}], held)[-1] == (
        "Let me see." if is_same else None
    )


def test_every_turn_gets_its_own_thought() -> None:
    """In a long conversation each message gets what was thought before it, and their number is told."""
    messages = list(ASKED)
    held: dict[str, str] = {}
    for turn in range(5):
        held |= kept(messages, answer(f"answer {turn}", thought=f"thought {turn}"))
        messages += [{"role": "assistant", "content": f"answer {turn}"}, {"role": "user", "content": "And then?"}]
    asked = chat(messages)
    full, count = History(SCOPE, asked.messages).restored(asked, held)
    said = [message.reasoning_content for message in full.messages if message.role == "assistant"]
    assert (said, count) == ([f"thought {turn}" for turn in range(5)], 5)
    assert all(message.reasoning_content is None for message in asked.messages)


def test_choices_have_keys_of_their_own() -> None:
    """Of several answers to one question, each text has its thought."""
    held = kept(ASKED, answer("A", thought="a")) | kept(ASKED, answer("B", thought="b"))
    assert restored([*ASKED, {"role": "assistant", "content": "B"}], held)[-1] == "b"
    assert restored([*ASKED, {"role": "assistant", "content": "A"}], held)[-1] == "a"


def test_a_call_without_a_thought_is_kept_by_its_ids_only() -> None:
    """An empty thought under a key that may stand for one message only is never given, and makes others' ambiguous."""
    [mark] = history(ASKED).thoughts(answer(thought=None, calls=(CompletedCall("call_1", "weather", "{}"),)))
    assert (mark.text, mark.sole) == ("", True)
    assert restored([*ASKED, {"role": "assistant", "tool_calls": [CALL]}], {mark.key: ""})[-1] is None
    assert history(ASKED).thoughts(answer("no thought", thought=None)) == ()


def test_calls_without_ids_have_no_key_of_their_own() -> None:
    """Ids that are not there cannot tell conversations apart."""
    thoughts = history(ASKED).thoughts(answer(calls=(CompletedCall("", "weather", "{}"),)))
    assert [thought.sole for thought in thoughts] == [False]


def test_of_a_very_long_conversation_the_newest_messages_are_looked_up() -> None:
    """Their number is bounded, and with it what a store is asked for."""
    said = [{"role": "assistant", "content": str(number)} for number in range(1000)]
    found = history(said)
    assert len(found.keys()) == 128
    assert found.wanted[-1].place == 999


def test_keys_hold_nothing_of_the_conversation() -> None:
    """They are digests of a fixed length."""
    [key] = kept(ASKED, answer("It is sunny."))
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")


TEXTS = st.text(st.sampled_from('ab:1\n "{'), max_size=4)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool"]), "content": TEXTS},
        optional={
            "tool_calls": st.lists(
                st.builds(lambda name, text: {"function": {"name": name, "arguments": text}}, TEXTS, TEXTS), max_size=2
            )
        },
    ),
    max_size=4,
)


def said_by(messages: list[dict[str, Any]]) -> list[object]:
    """What a conversation says, spelt once: the model of equality that the digests are held to."""
    spelt: list[object] = []
    for message in messages:
        text = message["content"].strip() if message["role"] == "assistant" else message["content"]
        spelt.append(
            (message["role"], text, [one_spelling(call["function"]) for call in message.get("tool_calls", [])])
        )
    return spelt


def one_spelling(function: dict[str, str]) -> tuple[str, str]:
    """A call with its arguments in one spelling."""
    text = function["arguments"]
    try:
        return function["name"], msgspec.json.encode(msgspec.json.decode(text or "{}") if text.strip() else {}).decode()
    except msgspec.DecodeError:
        return function["name"], text


RAN: dict[str, Any] = {"id": "call_0", "type": "code_interpreter", "code_interpreter": {"input": "1+1"}}
OUT: dict[str, Any] = {"type": "code_interpreter", "code_interpreter": {"outputs": [{"logs": "2"}]}}
WHOLE = RAN | {"code_interpreter": RAN["code_interpreter"] | OUT["code_interpreter"]}


@pytest.mark.parametrize("sent", [[WHOLE], [RAN, OUT], None], ids=["whole", "in-pieces", "left-out"])
@pytest.mark.parametrize("with_function", [False, True])
def test_what_the_service_ran_makes_no_difference(sent: list[dict[str, Any]] | None, with_function: bool) -> None:
    """Clients send such calls back whole, in pieces, or not at all (contract 3.4); the thought is found."""
    calls: tuple[CompletedCall, ...] = (CompletedCall("", "", "", native=WHOLE),)
    if with_function:
        calls += (CompletedCall("call_1", "weather", CALL["function"]["arguments"]),)
    back = [*(sent or []), *([CALL] if with_function else [])]
    message = {"role": "assistant", "content": "Two."} | ({"tool_calls": back} if back else {})
    held = kept(ASKED, answer("Two.", calls=calls))
    assert restored([*ASKED, message], held)[-1] == "Let me see."
    # By the function's id alone, where what stood before was changed.
    changed = restored([{"role": "user", "content": "Another?"}, message], held)[-1]
    assert changed == ("Let me see." if with_function else None)


@given(MESSAGES, MESSAGES)
def test_conversations_have_one_key_exactly_when_they_say_the_same(
    one: list[dict[str, Any]], other: list[dict[str, Any]]
) -> None:
    """However texts are cut into messages and calls, and whatever characters are in them."""
    end = {"role": "assistant", "content": "end"}
    keys = [history([*messages, end]).wanted[-1].key for messages in (one, other)]
    assert (keys[0] == keys[1]) is (said_by(one) == said_by(other))


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("glm-4.6", "glm-4.6"),
        ("zai-org/GLM-4.6-FP8", "glm-4.6"),
        ("GLM-4.5-Air", "glm-4.5"),
        ("glm-4.5v", "glm-4.5v"),
        ("glm-5", "glm-5"),
        ("qwen3-32b", "qwen3"),
        ("gpt-4o", "gpt-4o"),
        ("gpt-4.1-mini", "gpt-4.1"),
        ("glmgate-tiny", "glmgate-tiny"),
        ("my-model", "my-model"),
    ],
)
def test_the_family_of_a_model(model: str, family: str) -> None:
    """Name and version; owner, size and build make no difference, what reads images does."""
    assert family_of(model) == family
