"""Requests are masked or refused, and neither the report nor the error holds what was found."""

from __future__ import annotations

import pytest

from glmgate.errors import ContentFiltered
from glmgate.policy.filters.chain import Inline, SizeFilter
from glmgate.policy.filters.requests import filtered, passages, refusal
from glmgate.policy.filters.scan import Counts
from glmgate.wire.chat import ChatRequest, FunctionCall, Message, Part, ToolCall
from glmgate.wire.embeddings import EmbeddingsRequest
from tests.policy.filters.making import CARD, MAIL, kind_rule, regex, text_filters

MASKS = text_filters(kind_rule("email"), kind_rule("card"))


def chat(*contents: str) -> ChatRequest:
    """A conversation."""
    return ChatRequest(model="m", messages=[Message(role="user", content=content) for content in contents])


def test_texts_are_masked_where_they_stand_and_counted() -> None:
    """The report has the member and a number."""
    counts = Counts()
    done = filtered(chat("hi", f"I am {MAIL}, pay {CARD}."), MASKS, counts)
    assert [message.content for message in done.request.messages] == ["hi", "I am [e-mail], pay [card]."]
    assert [str(note) for note in done.notes] == ["messages=masked:2"]
    assert all(not note.exact for note in done.notes)
    assert counts.found == {"email": 1, "card": 1}


def test_a_request_without_any_of_it_is_the_same_object() -> None:
    """Also arguments that could be written in another way."""
    call = ToolCall(id="c", type="function", function=FunctionCall(name="f", arguments=r'{"a":"\u00e9"}'))
    request = ChatRequest(
        model="m",
        messages=[
            Message(role="user", content=[Part(type="text", text="é")]),
            Message(role="assistant", tool_calls=[call]),
        ],
    )
    done = filtered(request, MASKS, Counts())
    assert done.request is request
    assert done.notes == ()


def test_a_refusal_names_the_filter_and_the_place() -> None:
    """In both vocabularies, and never what stands there."""
    rules = text_filters(kind_rule("email"), kind_rule("card", "refuse"))
    counts = Counts()
    with pytest.raises(ContentFiltered) as raised:
        filtered(chat("hi", MAIL, f"card {CARD}, and more"), rules, counts)
    error = raised.value
    assert (error.status, error.code, error.zai_code, error.param) == (400, "content_filter", "1301", "messages[2]")
    assert "'card'" in error.message
    assert "4111" not in error.message
    assert counts.found == {"email": 1, "card": 1}


@pytest.mark.parametrize(("lengths", "refused"), [((5, 5), False), ((5, 6), True), ((11,), True)])
def test_all_texts_of_a_request_have_a_size(lengths: tuple[int, ...], *, refused: bool) -> None:
    """They are counted together."""
    size: tuple[Inline, ...] = (SizeFilter(name="size", most=10),)
    request = EmbeddingsRequest(model="m", input=["x" * length for length in lengths])
    if not refused:
        assert filtered(request, size, Counts()).request is request
        return
    with pytest.raises(ContentFiltered, match="'size'"):
        filtered(request, size, Counts())


def test_filters_see_what_those_before_them_left() -> None:
    """Their order is that of the chain."""
    rules = text_filters(kind_rule("email"), regex(r"\[e-mail\]", replacement="someone"))
    assert filtered(chat(MAIL), rules, Counts()).request.messages[0].content == "someone"


def test_hooks_are_shown_each_text() -> None:
    """With its place; what shows a passage shows no text."""
    shown = passages(chat("a", "", "b"))
    assert [(each.place, each.text) for each in shown] == [("messages[0]", "a"), ("messages[2]", "b")]
    assert "'b'" not in repr(shown)


def test_a_hooks_words_are_told_as_far_as_they_are_words() -> None:
    """A hook may say anything; a line of text is no category."""
    message = refusal("hook", None, ["hate", "violence", "x" * 65, "ü", "hate"]).message
    assert "(hate, violence)" in message
