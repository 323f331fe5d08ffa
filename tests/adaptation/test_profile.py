"""Profiles are data, and bad data is refused with its reason."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import glmgate.adaptation
from glmgate.adaptation.profile import parse, shipped, shipped_names
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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("opne = true", "'opne' is not known; did you mean 'open'?"),
        ("[thinking]\ncan_disble = true", "'thinking.can_disble' is not known; did you mean 'can_disable'?"),
        ("[numbers.top_p]\nhih = 1", "did you mean 'high'?"),
        ('[errors.codes.1113]\nkind = "quota"\nremdy = "park"', "did you mean 'remedy'?"),
        ('[[families]]\nmodels = ["a*"]\ntools.strct = true', "'tools.strct' is not known; did you mean 'strict'?"),
        ("zzzzzz = 1", "'zzzzzz' is not known."),
        ("seeds = true", "Expected 'int', got 'bool' at 'seeds'"),
        ('[errors.codes.1113]\nkind = "money"', "Invalid enum value 'money'"),
        ("[[families]]\ntools.strict = true", "'families' needs 'models'"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str) -> None:
    """With its place, and the nearest name that is known."""
    with pytest.raises(SettingsError, match="The file of a user is not good") as raised:
        parse(f'extends = "generic"\n{text}\n', origin="file of a user")
    assert says in str(raised.value)


def test_a_profile_extends_another() -> None:
    """It says only what is different; tables are merged, lists and numbers replaced."""
    profile = parse('extends = "zai"\nname = "mine"\n[tools]\nrepairs = 3\nchoices = []\n', origin="file")
    base = shipped("zai")
    assert (profile.name, profile.tools.repairs, profile.tools.choices) == ("mine", 3, ())
    assert profile.tools.native_types == base.tools.native_types
    assert profile.for_family("glm-4.5") != profile.for_family("glm-4.6")
    with pytest.raises(SettingsError, match="There is no profile 'zia'"):
        parse('extends = "zia"', origin="file")


def test_families_are_merged_in_their_order() -> None:
    """All that match, whatever the case; the last one holds, and what it does not say stays."""
    families = """
[[families]]
models = ["glm-4*"]
longest_answer = 10
tools.repairs = 2
[[families]]
models = ["x", "glm-4.6*"]
longest_answer = 20
"""
    profile = parse(f'extends = "generic"\n{families}', origin="file").for_family("GLM-4.6-Air")
    assert (profile.longest_answer, profile.tools.repairs, profile.families) == (20, 2, ())
    other = parse(f'extends = "generic"\n{families}', origin="file").for_family("glm-5")
    assert other == shipped("generic").for_family("glm-5")


def test_a_version_is_of_the_content() -> None:
    """Equal profiles have the same, others another; so has a model's, because its facts matter too."""
    zai = shipped("zai")
    assert re.fullmatch("[0-9a-f]{12}", zai.version)
    assert zai.version == parse('extends = "zai"', origin="file").version
    versions = {zai.version, zai.for_family("glm-4.5").version, zai.for_model(context_length=5).version}
    assert len(versions) == 3


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_profile_is_whole(name: str) -> None:
    """Its name is its file's, its fields exist, every effort has a meaning, every pattern can be read."""
    profile = shipped(name)
    fields = {field.encode_name for kind in (ChatRequest, CompletionRequest) for field in msgspec.structs.fields(kind)}
    assert profile.name == name
    assert set(profile.numbers) <= fields
    assert set(profile.consumed) <= fields | {"encoding_format"}
    assert set(profile.thinking.efforts) == set(get_args(ReasoningEffort))
    assert all(1 <= int(status) <= 599 for status in profile.errors.statuses)
    for pattern in profile.errors.resets:
        assert re.compile(pattern).groups == 1
    for word in profile.errors.words:
        re.compile(word)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Usage limit reached for 5 hour. Your limit will reset at 2026-11-12 18:21:35", "2026-11-12 18:21:35"),
        ("Weekly limit exhausted, resets at: 2026-11-12T18:21Z", "2026-11-12T18:21Z"),
        ("您的限额将在 2026-11-12 18:21:35 重置。", "2026-11-12 18:21:35"),
    ],
)
def test_the_end_of_a_window_is_found(text: str, time: str) -> None:
    """Contract 3.5, 1308 and 1310: the message carries the time."""
    found = [match[1] for pattern in shipped("zai").errors.resets if (match := re.search(pattern, text, re.IGNORECASE))]
    assert found == [time]


# Contract 3.5, column by column: what the code means, and what may be done about it.
CODES = {
    "broken retry": "500 1200 1230 1234",
    "authentication park": "1000 1001 1002 1003 1004",
    "permission park": "1100 1110 1111 1112 1121",
    "quota park": "1113 1308 1309 1310 1313 1316 1317 1318 1319 1320 1321",
    "invalid None": "1210 1212 1213 1214 1215",
    "model next": "1211 1222",
    "context None": "1261",
    "filtered None": "1300 1301",
    "rate retry": "1302 1303",
    "rate park": "1304",
    "overload next": "1305",
    "conflict None": "1231",
    "retired next": "1221",
}


@pytest.mark.parametrize("name", ["zai", "bigmodel", "zai-coding"])
@pytest.mark.parametrize(
    ("meaning", "code"), [(meaning, code) for meaning, codes in CODES.items() for code in codes.split()]
)
def test_every_code_of_the_contract_has_its_remedy(name: str, meaning: str, code: str) -> None:
    """By the code, because the status says 429 for a full queue and for an empty purse alike."""
    failure = shipped(name).errors.codes[code]
    assert f"{failure.kind} {failure.remedy}" == meaning
