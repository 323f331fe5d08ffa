"""Response formats are constraints (contract rows R1, R2)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.members import plain
from tests.adaptation.requests import PROFILE, WEATHER, chat, fitted_chat, noted

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
WITH_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}


def sent(form: dict[str, Any]) -> Any:
    """The format that the engine gets."""
    return plain(fitted_chat(response_format=form)).get("response_format")


def test_text_is_what_happens_anyway() -> None:
    """Nothing is sent and nothing said."""
    assert sent({"type": "text"}) is None
    assert fit(chat(response_format={"type": "text"}), PROFILE).notes == ()


def test_an_object_is_a_schema() -> None:
    """The engine's own word let text into the reasoning once (engine facts 3, behaviour 5)."""
    assert sent({"type": "json_object"}) == {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    assert noted(fit(chat(response_format={"type": "json_object"}), PROFILE)) == [
        "response_format=json_object->json_schema"
    ]


def test_a_schema_is_sent() -> None:
    """Without its name, which the engine does not read; constrained whether strict or not."""
    assert sent(WITH_SCHEMA) == {"type": "json_schema", "json_schema": {"schema": SCHEMA}}


@pytest.mark.parametrize("form", [{"type": "json_object"}, WITH_SCHEMA])
def test_constrained_answers_do_not_think(form: dict[str, Any]) -> None:
    """Thinking is switched off; where it was asked for, that is said."""
    silent = fit(chat(response_format=form), PROFILE)
    asked = fit(chat(response_format=form, thinking={"type": "enabled"}), PROFILE)
    assert getattr(silent.request, "chat_template_kwargs", None) == {"enable_thinking": False}
    assert getattr(asked.request, "chat_template_kwargs", None) == {"enable_thinking": False}
    assert "thinking=enabled->disabled" not in noted(silent)
    assert "thinking=enabled->disabled" in noted(asked)


def test_beside_tools_a_format_waits() -> None:
    """With both, the engine makes calls impossible; so the format is kept for when text begins."""
    fitted = fit(chat(response_format=WITH_SCHEMA, tools=[WEATHER]), PROFILE)
    assert getattr(fitted.request, "response_format", None) is None
    assert noted(fitted) == ["response_format=emulated"]


@pytest.mark.parametrize("form", [{"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "n"}}])
def test_a_schema_format_has_a_schema(form: dict[str, Any]) -> None:
    """The engine would leave the answer free without a word."""
    with pytest.raises(MissingParameter) as raised:
        fit(chat(response_format=form), PROFILE)
    assert raised.value.param == "response_format.json_schema.schema"


def test_schemas_are_bounded() -> None:
    """They are checked like any schema of a stranger."""
    schema = {"properties": {"a": {"pattern": "(?=x)"}}}
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(response_format={"type": "json_schema", "json_schema": {"schema": schema}}), PROFILE)
    assert raised.value.param == "response_format.json_schema.schema.properties.a.pattern"


def test_a_schema_that_is_obeyed_in_part_is_reported() -> None:
    """No word of a schema is dropped in silence; a strict call is refused for it."""
    form = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "minProperties": 2}}}
    notes = fit(chat(response_format=form), PROFILE).notes
    assert [(str(note), note.exact) for note in notes] == [("response_format.json_schema=partly", False)]
