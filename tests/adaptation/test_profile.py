"""Profiles are data, and bad data is refused with its reason."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import glmgate.adaptation
from glmgate.adaptation.profile import parse, shipped
from glmgate.errors import SettingsError
from glmgate.wire.chat import ChatRequest, ReasoningEffort
from glmgate.wire.completions import CompletionRequest

TEXT = (resources.files(glmgate.adaptation) / "profiles" / "embedded.toml").read_text(encoding="utf-8")


def test_the_shipped_profile_is_read_once() -> None:
    """It is a value; everybody has the same."""
    assert shipped("embedded") is shipped("embedded")
    assert shipped("embedded").name == "embedded"


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    """Whoever misspells sees what there is."""
    with pytest.raises(SettingsError, match="Those shipped are: bigmodel, embedded"):
        shipped("nobody")


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "\n[novelty]\n",
        TEXT.replace("open = false", "open = 5"),
        TEXT.replace("[stops]", "[stops"),
        "",
        'name = "x"',
    ],
)
def test_bad_profiles_are_refused(text: str) -> None:
    """Unknown members, wrong types, no TOML, members that lack."""
    with pytest.raises(SettingsError, match="The file of a user is not good"):
        parse(text, origin="file of a user")


def test_a_models_facts_are_added() -> None:
    """They are not in the file, because they are the model's."""
    profile = shipped("embedded").for_model(guarded=("<a>",), markup=(1,), context_length=5, dimensions=6, vocabulary=7)
    assert (profile.guarded, profile.markup, profile.context_length, profile.dimensions, profile.vocabulary) == (
        ("<a>",),
        (1,),
        5,
        6,
        7,
    )
    assert msgspec.structs.replace(
        profile, guarded=(), markup=(), context_length=None, dimensions=None, vocabulary=None
    ) == shipped("embedded")


def test_ranges_are_of_fields_that_exist() -> None:
    """A misspelt field would check nothing."""
    fields = {field.encode_name for kind in (ChatRequest, CompletionRequest) for field in msgspec.structs.fields(kind)}
    assert set(shipped("embedded").numbers) <= fields


def test_every_effort_has_a_meaning() -> None:
    """None of the words falls through."""
    assert set(shipped("embedded").thinking.efforts) == set(get_args(ReasoningEffort))


def test_no_company_is_named_in_code() -> None:
    """Services and models are data (issue Translate, section 2)."""
    names = re.compile(r"z\.ai|zhipu|bigmodel|openai|anthropic|mistral|\bglm-|qwen|llama|vllm|sglang", re.IGNORECASE)
    for path in Path(next(iter(glmgate.adaptation.__path__))).glob("*.py"):
        code = re.sub(r'""".*?"""|#[^\n]*', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not names.findall(code), path.name
