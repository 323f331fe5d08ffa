"""What goes with a constrained answer."""

from __future__ import annotations

import msgspec

from glmgate.adaptation.constraint import constrained
from tests.adaptation.requests import PROFILE, chat

SCHEMA = {"type": "object"}
WITH_MARKUP = msgspec.structs.replace(PROFILE, markup=(7, 9))


def test_the_form_is_the_schema() -> None:
    """And the answer does not think."""
    fitted = constrained(chat(), SCHEMA, PROFILE).request
    assert fitted.response_format is not None
    assert fitted.response_format.json_schema is not None
    assert fitted.response_format.json_schema.schema_ == SCHEMA
    assert fitted.chat_template_kwargs == {"enable_thinking": False}
    assert fitted.logit_bias is None


def test_marks_of_free_answers_are_banned() -> None:
    """The caller's own biases stay, those of the same tokens too."""
    fitted = constrained(chat(logit_bias={"9": 5, "1": 2}), SCHEMA, WITH_MARKUP).request
    assert fitted.logit_bias == {"7": -100, "9": 5, "1": 2}
