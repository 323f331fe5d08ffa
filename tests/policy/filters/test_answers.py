"""Answers in deltas: masked alike however they are cut, and ended where they are refused."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.filters.answers import AnswerFilter
from glmgate.policy.filters.chain import Inline, SizeFilter
from glmgate.policy.filters.scan import Counts
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.fold import CompletedChoice, Fold
from tests.policy.filters.making import CARD, LENGTHS, MAIL, cut, kind_rule, text_filters, texts_of

MASKS = text_filters(kind_rule("email"), kind_rule("card"))
END = Delta(finish_reason="stop", usage=Usage(3, 4))
ARGUMENTS = json.dumps({"to": MAIL, "card": 4111111111111111, "text": "é"})


def run(deltas: Iterable[Delta], filters: tuple[Inline, ...] = MASKS) -> list[Delta]:
    """What comes out of an answer."""
    machine = AnswerFilter(filters, Counts())
    return [after for delta in deltas for after in machine.feed(delta)] + list(machine.close())


def folded(deltas: Iterable[Delta]) -> tuple[CompletedChoice, ...]:
    """The whole answer."""
    fold = Fold()
    for delta in deltas:
        fold.feed(delta)
    return fold.result().choices


def test_each_kind_of_text_is_masked() -> None:
    """Text, reasoning, and what stands in a call, which stays JSON."""
    (choice,) = folded(
        run(
            [
                Delta(reasoning=f"to {MAIL[:6]}"),
                Delta(reasoning=MAIL[6:]),
                Delta(content=CARD[:7]),
                Delta(content=CARD[7:]),
                Delta(tool_calls=(ToolCallDelta(0, "c1", "send"),)),
                *(Delta(tool_calls=(ToolCallDelta(0, arguments=piece),)) for piece in cut(ARGUMENTS, [3])),
                Delta(finish_reason="tool_calls"),
            ]
        )
    )
    assert (choice.reasoning, choice.content, choice.finish_reason) == ("to [e-mail]", "[card]", "tool_calls")
    assert choice.calls[0].name == "send"
    assert json.loads(choice.calls[0].arguments) == {"to": "[e-mail]", "card": "[card]", "text": "é"}


def test_what_was_held_back_leaves_before_another_kind_begins() -> None:
    """So that a client sees reasoning before the text, as the model said it."""
    out = run([Delta(reasoning="thought"), Delta(content="text"), END])
    assert [(delta.reasoning, delta.content, delta.finish_reason) for delta in out] == [
        ("thought", None, None),
        (None, "text", "stop"),
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_refusal_ends_the_choice(*, streamed: bool) -> None:
    """With the text before it, GLM's finish reason, and the tokens so far; in one delta or in many."""
    filters = text_filters(kind_rule("card", "refuse"))
    text = f"pay with {CARD}, please"
    usage = Usage(3, 9)
    deltas = [*(Delta(content=piece) for piece in cut(text, [2])), Delta(finish_reason="stop", usage=usage)]
    plain = [Delta(content=text, finish_reason="stop", usage=usage)]
    machine = AnswerFilter(filters, Counts())
    out = [after for delta in (deltas if streamed else plain) for after in machine.feed(delta)]
    (choice,) = folded(out)
    assert (choice.content, choice.finish_reason) == ("pay with ", "sensitive")
    assert machine.refused == {0: "card"}
    assert [delta.usage for delta in out if delta.usage] == [usage]
    assert sum(delta.finish_reason is not None for delta in out) == 1


def test_a_refused_call_is_cut_off() -> None:
    """Neither it nor any other call of the choice goes on."""
    filters = text_filters(kind_rule("email", "refuse"))
    pieces = (ToolCallDelta(0, "c", "f", '{"a": "jane@example.com", "b": 1}'), ToolCallDelta(1, "d", "g", "{}"))
    (choice,) = folded(run([Delta(tool_calls=pieces), END], filters))
    assert ([call.arguments for call in choice.calls], choice.finish_reason) == (['{"a": "'], "sensitive")


def test_choices_have_nothing_to_do_with_each_other() -> None:
    """One is refused, the other goes on; one's text never joins the other's."""
    filters = text_filters(kind_rule("card", "refuse"), kind_rule("email"))
    out = run(
        [
            *(Delta(choice=0, content=CARD), Delta(choice=1, content="jane@")),
            *(Delta(choice=0, content=", x"), Delta(choice=1, content="example.com")),
            *(Delta(choice=0, finish_reason="stop"), Delta(choice=1, finish_reason="stop")),
        ],
        filters,
    )
    assert [(each.content, each.finish_reason) for each in folded(out)] == [("", "sensitive"), ("[e-mail]", "stop")]


def test_other_members_are_looked_through() -> None:
    """Tools that a service runs itself, free input of custom tools, and what stands beside the choices."""
    custom = [ToolCallDelta(1, "c", "sh", "mail jane@", custom=True), ToolCallDelta(1, arguments="b.io", custom=True)]
    out = run(
        [
            Delta(tool_calls=(ToolCallDelta(0, native={"type": "web_search", "output": MAIL}),)),
            *(Delta(tool_calls=(piece,)) for piece in custom),
            Delta(finish_reason="stop", extra={"web_search": [{"title": f"by {MAIL}", "link": "https://x"}]}),
        ]
    )
    (choice,) = folded(out)
    assert choice.calls[0].native == {"type": "web_search", "output": "[e-mail]"}
    assert (choice.calls[1].arguments, choice.calls[1].custom) == ("mail [e-mail]", True)
    assert out[-1].extra == {"web_search": [{"title": "by [e-mail]", "link": "https://x"}]}


def test_log_probabilities_do_not_go_through() -> None:
    """They spell out the text, token by token."""
    logprobs = {"content": [{"token": MAIL, "logprob": -1.0}]}
    assert all(delta.logprobs is None for delta in run([Delta(content=MAIL, logprobs=logprobs), END]))


def test_an_answer_that_ends_without_a_word_gives_what_it_holds() -> None:
    """The finish reason is not made up."""
    assert run([Delta(content="jane")]) == [Delta(content="jane")]


def test_a_choice_has_a_size() -> None:
    """Text and reasoning count together."""
    out = run([Delta(reasoning="12345"), Delta(content="6789012345"), END], (SizeFilter(name="size", most=10),))
    (choice,) = folded(out)
    assert (choice.reasoning, choice.content, choice.finish_reason) == ("12345", "67890", "sensitive")


PIECES = texts_of(MAIL, "jane@", CARD, "4111", "example.com")
REASONS: st.SearchStrategy[FinishReason] = st.sampled_from(["stop", "length", "tool_calls"])


@given(PIECES, PIECES, PIECES, LENGTHS, REASONS, st.booleans())
def test_how_an_answer_is_cut_changes_nothing(
    thought: str, text: str, argument: str, lengths: list[int], reason: FinishReason, refuses: bool
) -> None:
    """The fold of a filtered stream is the filtered plain answer."""
    filters = text_filters(kind_rule("email"), kind_rule("card", "refuse" if refuses else "mask"))
    arguments = json.dumps({"a": argument})
    whole = Delta(
        reasoning=thought or None,
        content=text or None,
        tool_calls=(ToolCallDelta(0, "c", "f", arguments),),
        finish_reason=reason,
    )
    deltas = [
        *(Delta(reasoning=piece) for piece in cut(thought, lengths)),
        *(Delta(content=piece) for piece in cut(text, lengths)),
        Delta(tool_calls=(ToolCallDelta(0, "c", "f"),)),
        *(Delta(tool_calls=(ToolCallDelta(0, arguments=piece),)) for piece in cut(arguments, lengths)),
        Delta(finish_reason=reason),
    ]
    assert folded(run(deltas, filters)) == folded(run([whole], filters))
