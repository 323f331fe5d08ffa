"""`[[filters]]` and `[filtering]` of a settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glmgate.errors import SettingsError
from glmgate.policy.filters.chain import SizeFilter, TextFilter
from glmgate.settings import Settings, load
from glmgate.settings.filters import FilterSettings
from tests.policy.filters.making import masked


def loaded(home: Path, text: str, **environment: str) -> Settings:
    """The settings with this text as their file."""
    (home / "glmgate.toml").write_text(text, encoding="utf-8")
    return load(environment=environment, home=home)


def filters(home: Path, text: str, **environment: str) -> FilterSettings:
    """The filters of this text."""
    return loaded(home, text, **environment).filters


def table(**members: Any) -> str:
    """One table."""
    lines = [f"{name} = {_toml(value)}" for name, value in {"name": "f", **members}.items()]
    return "[[filters]]\n" + "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f"'{value}'" if isinstance(value, str) else str(value)


@pytest.mark.parametrize(
    ("members", "text", "after"),
    [
        ({"kind": "email"}, "a@b.io", "[e-mail]"),
        ({"kind": "email", "replacement": "<{n}>"}, "a@b.io c@d.io", "<1> <2>"),
        ({"kind": "regex", "patterns": [r"ab+", "c"]}, "abbc d", "[f][f] d"),
        ({"kind": "words", "words": ["Bad"]}, "bad dog", "*** dog"),
    ],
)
def test_a_filter_masks(tmp_path: Path, members: dict[str, Any], text: str, after: str) -> None:
    """With the mask of its kind, unless it has one of its own."""
    (found,) = filters(tmp_path, table(**members)).inline
    assert isinstance(found, TextFilter)
    assert (found.name, found.side, found.action) == ("f", "both", "mask")
    assert masked(found.rule, text) == after


def test_words_and_patterns_may_stand_in_a_file(tmp_path: Path) -> None:
    """One on each line; a change of the file is seen like one of the settings."""
    (tmp_path / "list.txt").write_text("# remark\n\n  bad dog \n坏\n", encoding="utf-8")
    settings = loaded(tmp_path, table(kind="words", words=["worse"], file="list.txt"))
    (found,) = settings.filters.inline
    assert isinstance(found, TextFilter)
    assert masked(found.rule, "worse, bad dog, 坏 # remark") == "***, ***, *** # remark"
    assert tmp_path / "list.txt" in settings.files


def test_sizes_only_refuse(tmp_path: Path) -> None:
    """There is nothing that could be masked."""
    assert filters(tmp_path, table(kind="size", most=5, direction="output")).inline == (
        SizeFilter(name="f", most=5, side="output"),
    )


def test_a_webhook_has_a_secret_by_reference(tmp_path: Path) -> None:
    """It is shown nowhere, and its variable is no slip of the pen."""
    text = table(
        kind="webhook", url="https://h.example/x/", secret="env:GLMGATE_HOOK", timeout=2, fail="open", every=50
    )
    (hook,) = filters(tmp_path, text, GLMGATE_HOOK="s3cret").hooks
    assert (hook.url, hook.timeout_s, hook.is_open, hook.every) == ("https://h.example/x", 2, True, 50)
    assert hook.secret is not None
    assert (hook.secret.reveal(), "s3cret" in repr(hook)) == ("s3cret", False)
    with pytest.raises(SettingsError, match="GLMGATE_HOOK"):
        filters(tmp_path, text)


def test_a_moderation_asks_a_model_or_an_upstream(tmp_path: Path) -> None:
    """Closed, unless it is said otherwise."""
    upstream = '[[upstreams]]\nname = "Zai"\nprofile = "zai"\n'
    text = upstream + table(kind="moderation", upstream="zai") + table(name="g", kind="moderation", model="guard")
    first, second = filters(tmp_path, text).hooks
    assert (first.upstream, first.model, first.is_open) == ("Zai", None, False)
    assert (second.upstream, second.model, second.timeout_s) == (None, "guard", 5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (table(kind="mail"), "kind is 'mail', it must be one of"),
        ('[[filters]]\nkind = "email"\n', "has no name"),
        (table(name="a b", kind="email"), "name is 'a b'"),
        (table(kind="email") + table(kind="card"), "another filter"),
        (table(kind="email", patterns=["x"]), "patterns is for the kind 'regex'"),
        (table(kind="size", most=3, replacement="x"), "replacement is for the kind"),
        (table(kind="regex"), "no patterns"),
        (table(kind="regex", patterns=["a("]), r"'f': the pattern 'a\(' cannot be used"),
        (table(kind="regex", patterns=["a*"]), "matches nothing at all"),
        (table(kind="words"), "no word"),
        (table(kind="words", file="gone.txt"), "cannot be read"),
        (table(kind="size"), "has no most"),
        (table(kind="size", most=1, action="mask"), "can only refuse"),
        (table(kind="webhook", url="https://h.example", action="mask"), "can only refuse"),
        (table(kind="webhook"), "has no url"),
        (table(kind="webhook", url="h.example"), "must be a URL"),
        (table(kind="webhook", url="https://h.example", secret="plain"), "a reference"),
        (table(kind="webhook", url="https://h.example", timeout=0), "more than 0 seconds"),
        (table(kind="moderation"), "no model and no upstream"),
        (table(kind="moderation", upstream="x"), "There are no"),
        ('[filtering]\ndefault = ["x"]\n', r"\[filtering\] default names 'x', which is no filter. There are no"),
        (table(kind="email") + '[filtering]\ndefault = ["F"]\n', "names 'F'"),
        ('[filtering]\nsensitive_word_check = "x"\n', "sensitive_word_check names 'x'"),
        ("[filters]\n", "list of tables"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    """With the value, its place and what to do."""
    with pytest.raises(SettingsError, match=says):
        filters(tmp_path, text)
