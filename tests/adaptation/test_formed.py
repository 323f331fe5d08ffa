"""A format beside tools: calls run free, text is made anew under the format."""

from __future__ import annotations

from glmgate.adaptation.fit import fit
from glmgate.wire.delta import Delta
from glmgate.wire.members import plain
from tests.adaptation.requests import PROFILE, WEATHER, chat

SCHEMA = {"type": "object", "properties": {"<think>": {"type": "string"}}}


def test_the_second_call_has_the_callers_schema() -> None:
    """Guarded like all that goes to the model."""
    form = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}
    fitted = fit(chat(tools=[WEATHER], response_format=form), PROFILE)
    fitted.undo.feed(Delta(content="Sure"))
    second = fitted.undo.follow_up()
    assert second is not None
    assert plain(second)["response_format"]["json_schema"]["schema"]["properties"] == {
        "<\u2060think>": {"type": "string"}
    }


def test_its_text_is_the_answer() -> None:
    """What the caller sees is the second call's text, unguarded, and its end."""
    fitted = fit(chat(tools=[WEATHER], response_format={"type": "json_object"}), PROFILE)
    fitted.undo.feed(Delta(content="Sure"))
    fitted.undo.follow_up()
    deltas = [*fitted.undo.feed(Delta(content='{"<\u2060think>": 1}')), *fitted.undo.feed(Delta(finish_reason="stop"))]
    assert deltas == [Delta(content='{"<think>": 1}'), Delta(finish_reason="stop")]
