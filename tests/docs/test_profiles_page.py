"""What the page about profiles says is what the profiles are."""

from __future__ import annotations

import re

import msgspec
import pytest

from glmgate.adaptation.profile import Profile, parse, shipped, shipped_names
from tests.docs.pages import DOCS, rows, words

PAGE = (DOCS / "profiles.md").read_text(encoding="utf-8")
SERVICES = [name for name in shipped_names() if not name.startswith("embedded")]
# Facts of a model, and what is explained beside the table.
ELSEWHERE = {"name", "families", "guarded", "markup", "context_length", "dimensions", "vocabulary", "longest_token"}


@pytest.mark.parametrize("name", SERVICES)
def test_the_table_is_of_the_shipped_ones(name: str) -> None:
    """What is passed, which forms are kept, how thinking is switched, and how images are sent."""
    (row,) = [row for row in rows(PAGE) if row and row[0] == f"`{name}`"]
    profile = shipped(name)
    form = {"base64": "bare base64", "data_url": "data URL"}[profile.images.form]
    assert row[2] == ("passed" if profile.open else "kept out")
    assert set(words(row[4])) == set(profile.formats.native)
    assert (words(row[5]), row[6]) == ([profile.thinking.member], form)
    held = {word.strip(" `") for word in row[3].split(",")} - {"none"} if row[3] != "`none`" else set()
    known = {"all": {"required", "named", "parallel"}, "required": {"required"}, "named": {"named"}}
    expected = set(profile.tools.choices) - {"auto", "none"}
    assert {choice for word in held for choice in known[word]} == expected


def test_no_shipped_one_is_missing() -> None:
    """Nor does the page tell of others."""
    assert {name for row in rows(PAGE) for name in words(row[0])[:1]} >= set(SERVICES)


def test_every_member_is_explained() -> None:
    """A member that nobody can look up is none."""
    explained = {words(row[0])[0] for row in rows(PAGE) if len(row) == 2 and words(row[0])}
    assert {field.encode_name for field in msgspec.structs.fields(Profile)} - explained - ELSEWHERE == set()


def test_printed_profiles_are_read() -> None:
    """And say what the comments tell."""
    (text,) = re.findall(r"```\{code-block\} toml\n(.*?)```", PAGE, re.DOTALL)
    profile = parse(text, origin="printed profile")
    assert (profile.name, profile.numbers["temperature"].over, profile.fields["logprobs"]) == (
        "zai-halved",
        "scale",
        "omit",
    )
    assert profile.for_family("my-tuned-1").longest_answer == 65536


@pytest.mark.parametrize(
    ("model", "longest"), [("glm-4", 4095), ("glm-4.5", 98304), ("glm-4.5v", 16384), ("glm-4.6v", 32768)]
)
def test_families_are_as_told(model: str, longest: int) -> None:
    """The numbers of the second table."""
    assert shipped("zai").for_family(model).longest_answer == longest
    assert f"{longest}" in PAGE
    assert str(shipped("zai").thinking.least_tokens) in PAGE
