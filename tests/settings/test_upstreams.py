"""`[[upstreams]]`: which services there are, and how mistakes about them are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.settings import Settings, load
from glmgate.settings.upstreams import services

ZAI = '[[upstreams]]\nname = "zai"\nprofile = "zai"\n'
SECRET = "0123456789abcdef.SECRET"


def settings(home: Path, text: str, **environment: str) -> Settings:
    """The settings with `text` as the home's file."""
    (home / "glmgate.toml").write_text(text)
    return load(environment=environment, home=home)


def mistake(home: Path, text: str, **environment: str) -> str:
    """What is told about settings that are wrong."""
    with pytest.raises(SettingsError) as caught:
        settings(home, text, **environment)
    return caught.value.message


def test_an_upstream_has_all_that_was_said(tmp_path: Path) -> None:
    """As in the example of the documentation."""
    text = ZAI + (
        'base_url = "https://zai.example/api/paas/v4/"\n'
        'credentials = ["env:ZAI_API_KEY", "file:key"]\n'
        "concurrency = 4\ntimeouts = { connect = 1, first = 2, idle = 3, total = 4 }\n"
    )
    (tmp_path / "key").write_text("second\n")
    (upstream,) = settings(tmp_path, text, ZAI_API_KEY=SECRET).upstreams
    assert (upstream.name, upstream.profile.name, upstream.concurrency) == ("zai", "zai", 4)
    assert upstream.base_url == "https://zai.example/api/paas/v4"
    assert [each.reference for each in upstream.credentials] == ["env:ZAI_API_KEY", "file:key"]
    assert [each.secret.reveal() for each in upstream.credentials] == [SECRET, "second"]
    times = upstream.timeouts
    assert (times.connect_s, times.first_s, times.idle_s, times.total_s) == (1, 2, 3, 4)


def test_little_has_to_be_said(tmp_path: Path) -> None:
    """The rest has defaults, the service's own address among them."""
    (upstream,) = settings(tmp_path, ZAI).upstreams
    assert upstream.base_url == services().base_urls["zai"]
    assert (upstream.credentials, upstream.concurrency) == ((), "learn")
    times = upstream.timeouts
    assert (times.connect_s, times.first_s, times.idle_s, times.total_s) == (5, 120, 60, 600)


def test_a_secret_that_is_given_twice_counts_once(tmp_path: Path) -> None:
    """Two slots on one credential would be one too many."""
    (upstream,) = settings(tmp_path, ZAI + 'credentials = ["env:A", "env:B"]\n', A="x", B="x ").upstreams
    assert [each.reference for each in upstream.credentials] == ["env:A"]


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    """Whoever prints the settings sees where a secret is, not what it is."""
    shown = repr(settings(tmp_path, ZAI + 'credentials = ["env:ZAI_API_KEY"]\n', ZAI_API_KEY=SECRET))
    assert "env:ZAI_API_KEY" in shown
    assert "SECRET" not in shown


def test_a_profile_can_be_a_file(tmp_path: Path) -> None:
    """Its path starts from the settings file; a change of it is a change of the settings."""
    (tmp_path / "own.toml").write_text('extends = "vllm"\nname = "own"\n')
    text = '[[upstreams]]\nname = "a"\nprofile = "own.toml"\nbase_url = "http://127.0.0.1:9/v1"\n'
    found = settings(tmp_path, text)
    assert found.upstreams[0].profile.name == "own"
    assert found.files == (tmp_path / "glmgate.toml", tmp_path / "own.toml")


def test_files_of_secrets_are_watched(tmp_path: Path) -> None:
    """Whoever replaces a key in its file means the running server, too."""
    (tmp_path / "key").write_text("x")
    assert tmp_path / "key" in settings(tmp_path, ZAI + 'credentials = ["file:key"]\n').files


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ZAI + "base_uri = 'x'\n", ["[[upstreams]] 'zai': base_uri is not a setting", "Do you mean base_url?"]),
        (ZAI + "timeouts = { frist = 1 }\n", ["timeouts frist is not a setting", "Do you mean first?"]),
        (ZAI + "timeouts = { first = 0 }\n", ["timeouts first is 0", "more than 0"]),
        (ZAI + "timeouts = { first = 'x' }\n", ["timeouts first is 'x'", "a number"]),
        (ZAI + "timeouts = 5\n", ["timeouts is 5", "a table"]),
        (ZAI + "concurrency = 0\n", ["concurrency is 0", "'learn'"]),
        (ZAI + "concurrency = 'all'\n", ["concurrency is 'all'", "a whole number or 'learn'"]),
        (ZAI + "credentials = 'env:A'\n", ["credentials is", "a list of texts"]),
        (ZAI + ZAI, ["'zai'", "names are used once"]),
        ("[[upstreams]]\nprofile = 'zai'\n", ["[[upstreams]] 1: has no name"]),
        ("[[upstreams]]\nname = 'a b'\n", ["name is 'a b'", "a word"]),
        ("[[upstreams]]\nname = 'a'\n", ["no base_url", "'generic'"]),
        ("[[upstreams]]\nname = 'a'\nprofile = 'zia'\n", ["profile is 'zia'", "Do you mean zai?"]),
        ("[[upstreams]]\nname = 'a'\nprofile = 'no/where.toml'\n", ["'no/where.toml'", "cannot be read"]),
        (ZAI + "base_url = 'zai.example'\n", ["base_url is 'zai.example'", "https://HOST/v1"]),
        (ZAI + "base_url = 'ftp://zai.example'\n", ["ftp://zai.example"]),
        (ZAI + "base_url = 'https://a/v1?x=1'\n", ["https://a/v1?x=1"]),
        (ZAI + "base_url = 'https://a:x/v1'\n", ["https://a:x/v1"]),
        (ZAI + "base_url = 'https://a/v1/chat/completions'\n", ["leave '/chat/completions' away"]),
        ("[upstreams]\nname = 'a'\n", ["[[upstreams]]", "a list of tables"]),
        ("[[upstream]]\nname = 'a'\n", ["no section [upstream]", "Do you mean upstreams?"]),
        ("[models]\nhub = 'modelscope'\n", ["[[models]]", "Do you mean [pull] hub?"]),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(tmp_path: Path, text: str, told: list[str]) -> None:
    """Unknown names are errors at every level."""
    message = mistake(tmp_path, text)
    assert [part for part in told if part not in message] == []


@pytest.mark.parametrize("text", [SECRET, "env:", "vault:SECRET", "Bearer SECRET"])
def test_a_secret_itself_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    """A value that is no reference may be the secret."""
    message = mistake(tmp_path, ZAI + f"credentials = ['{text}']\n")
    assert "env:NAME or file:PATH" in message
    assert "SECRET" not in message


def test_a_user_in_the_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """It would stand in logs."""
    message = mistake(tmp_path, ZAI + "base_url = 'https://me:SECRET@a/v1'\n")
    assert "by reference" in message
    assert "SECRET" not in message


@pytest.mark.parametrize(
    ("reference", "told"),
    [("env:NOWHERE", "NOWHERE, which is not set"), ("file:nowhere", "nowhere"), ("env:EMPTY", "is empty")],
)
def test_a_reference_to_nothing_is_told(tmp_path: Path, reference: str, told: str) -> None:
    """What it points to has to be there."""
    assert told in mistake(tmp_path, ZAI + f"credentials = ['{reference}']\n", EMPTY=" ")


def test_more_than_a_secret_is_refused(tmp_path: Path) -> None:
    """A line break in a header would begin another header."""
    message = mistake(tmp_path, ZAI + "credentials = ['env:A']\n", A="SECRET\nx-other: 1")
    assert "env:A holds more than a secret" in message
    assert "SECRET" not in message


def test_a_variable_of_ours_may_hold_a_secret(tmp_path: Path) -> None:
    """It is referred to, so it is no slip of the pen."""
    text = ZAI + "credentials = ['env:GLMGATE_UPSTREAMS_KEY']\n"
    assert settings(tmp_path, text, GLMGATE_UPSTREAMS_KEY="x").upstreams[0].credentials
    assert "GLMGATE_UPSTREAMS_KEY is not a setting" in mistake(tmp_path, ZAI, GLMGATE_UPSTREAMS_KEY="x")


def test_proxies_come_from_the_environment(tmp_path: Path) -> None:
    """As for every other program."""
    proxies = settings(tmp_path, ZAI, HTTPS_PROXY="http://p.example:3128", NO_PROXY="inside.example").proxies
    assert proxies.for_url("https://api.example/v1") == "http://p.example:3128"
    assert proxies.for_url("https://inside.example/v1") is None


def test_who_asks_no_upstream_needs_no_secrets(tmp_path: Path) -> None:
    """Keys can be made in a shell that does not have them; everything else is checked all the same."""
    (tmp_path / "glmgate.toml").write_text(ZAI + "credentials = ['env:NOWHERE']\n")
    (upstream,) = load(environment={}, home=tmp_path, secrets=False).upstreams
    assert (upstream.name, upstream.credentials) == ("zai", ())
    (tmp_path / "glmgate.toml").write_text(ZAI + "credentials = ['SECRET']\n")
    with pytest.raises(SettingsError, match="never the secret itself"):
        load(environment={}, home=tmp_path, secrets=False)
