"""The service that is used where nothing is configured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from glmgate.settings import Settings, load
from glmgate.settings.upstreams import services

NOTHING: Mapping[str, str] = {}
BOTH = {"ZAI_API_KEY": "a.b", "ZHIPUAI_API_KEY": "c.d"}


def settings(home: Path, text: str = "", environment: Mapping[str, str] = NOTHING, *, local: bool = False) -> Settings:
    """The settings of a start."""
    (home / "glmgate.toml").write_text(text)
    flags = {("routing", "environment"): False if local else None}
    return load(environment=environment, home=home, flags=flags)


@pytest.mark.parametrize(
    ("environment", "profiles"),
    [
        ({}, []),
        ({"ZAI_API_KEY": "a.b"}, ["zai"]),
        ({"ZHIPUAI_API_KEY": "a.b"}, ["bigmodel"]),
        (BOTH, ["zai", "bigmodel"]),
        ({"ZAI_API_KEY": "", "ZHIPUAI_API_KEY": "a b"}, []),
    ],
)
def test_keys_in_the_environment_name_services(
    tmp_path: Path, environment: dict[str, str], profiles: list[str]
) -> None:
    """Each with its profile and its address; what cannot be a key is none."""
    found = settings(tmp_path, environment=environment).found
    assert [each.upstream.profile.name for each in found] == profiles
    assert [each.upstream.base_url for each in found] == [services().base_urls[profile] for profile in profiles]


def test_a_configured_upstream_or_model_is_all_there_is(tmp_path: Path) -> None:
    """Whoever writes routes down wants these; other settings change nothing."""
    assert settings(tmp_path, "[log]\nlevel = 'debug'\n", BOTH).found
    assert not settings(tmp_path, '[[upstreams]]\nname = "zai"\nprofile = "zai"\n', BOTH).found
    engine = '[[models]]\nname = "x"\nroute = [{ engine = "glmgate-tiny" }]\n'
    assert not settings(tmp_path, engine, BOTH).found


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    """By `--local`, by the setting, by its variable."""
    assert not settings(tmp_path, environment=BOTH, local=True).found
    assert not settings(tmp_path, "[routing]\nenvironment = false\n", BOTH).found
    assert not settings(tmp_path, environment=BOTH | {"GLMGATE_ROUTING_ENVIRONMENT": "false"}).found


def test_the_key_is_never_shown(tmp_path: Path) -> None:
    """As every secret."""
    assert "SECRET" not in repr(settings(tmp_path, environment={"ZAI_API_KEY": "a.SECRET"}))
