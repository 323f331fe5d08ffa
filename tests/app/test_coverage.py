"""Tests of the look at all keys: whether their budgets bound what the settings' routes can charge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glmgate.app.coverage import checked_keys
from glmgate.errors import SettingsError
from glmgate.policy.directory import Wish
from glmgate.policy.keyring import KeyOrder
from glmgate.settings import Settings, load
from glmgate.storage.accounts import open_accounts
from glmgate.wire.terms import Budget
from tests.contract.keys import made

TEXT = """
[[upstreams]]
name = "zai"
profile = "zai"

[[models]]
name = "glm-4.6"

[[models]]
name = "glm-5"

[[prices]]
model = "glm-4.6"
currency = "USD"
output = 2.2

[[prices]]
model = "glm-5"
currency = "CNY"
output = 8
"""
DOLLARS = (Budget(limit="10", unit="USD"),)


def settings(home: Path, text: str = TEXT) -> Settings:
    """The settings of a file."""
    (home / "glmgate.toml").write_text(text, encoding="utf-8")
    return load(environment={}, home=home, secrets=False)


async def with_key(home: Path, **terms: Any) -> Settings:
    """The settings, and a key with these terms in the database."""
    given = settings(home)
    accounts = await open_accounts(home, url=given.storage.url)
    await made(accounts, **terms)
    await accounts.aclose()
    return given


async def test_a_key_that_can_be_charged_in_another_currency_is_told(tmp_path: Path) -> None:
    """With the model, the place and what to do."""
    given = await with_key(tmp_path, budgets=DOLLARS)
    with pytest.raises(SettingsError) as caught:
        await checked_keys(given)
    for words in ("'glm-5'", "'zai/glm-5'", "charges in CNY", "add a budget in CNY"):
        assert words in caught.value.message
    assert "'glm-4.6'" not in caught.value.message


@pytest.mark.parametrize(
    "terms",
    [
        {"budgets": DOLLARS, "models": ("glm-4.*",)},
        {"budgets": (*DOLLARS, Budget(limit="70", unit="CNY"))},
        {"budgets": (Budget(limit="10", unit="USD", mode="warn"),)},
        {"budgets": DOLLARS, "admin": True},
        {},
    ],
)
async def test_other_keys_are_right(tmp_path: Path, terms: dict[str, Any]) -> None:
    """Those whose money is covered, is not bounded, or that ask no model."""
    assert await checked_keys(await with_key(tmp_path, **terms)) == "covered"


async def test_without_a_database_nothing_is_made(tmp_path: Path) -> None:
    """Looking changes nothing."""
    assert await checked_keys(settings(tmp_path)) == "none"
    assert [each.name for each in tmp_path.iterdir()] == ["glmgate.toml"]


async def test_without_keys_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    """`--no-auth`."""
    assert await checked_keys(settings(tmp_path, f"[server]\nauth = false\n{TEXT}")) == "none"


async def test_a_database_that_is_away_is_no_wrong_setting(tmp_path: Path) -> None:
    """It is said that nobody has looked."""
    url = "postgresql://nobody@127.0.0.1:9/none"
    given = settings(tmp_path, f'[storage]\nurl = "{url}"\n{TEXT}')
    assert await checked_keys(given) == "unready"


async def test_the_budgets_of_a_keys_project_count(tmp_path: Path) -> None:
    """What bounds a key is what bounds all that it belongs to."""
    given = settings(tmp_path)
    accounts = await open_accounts(tmp_path, url=given.storage.url)
    project = await accounts.directory.create_project(
        Wish(name="team", terms={"budgets": [{"limit": "10", "unit": "USD"}]})
    )
    await accounts.keyring.make(KeyOrder(name="member", project=project.id))
    await accounts.aclose()
    with pytest.raises(SettingsError, match="charges in CNY"):
        await checked_keys(given)


FOUND = TEXT.partition("[[prices]]")[2]
"""Prices alone: services are those of the environment."""


def elsewhere(home: Path, text: str = f"[[prices]]{FOUND}", key: str = "zai-key") -> Settings:
    """The settings of an environment with the key of a service."""
    (home / "glmgate.toml").write_text(text, encoding="utf-8")
    return load(environment={"ZAI_API_KEY": key}, home=home)


async def test_a_service_of_the_environment_counts(tmp_path: Path) -> None:
    """With all names that it answers, told together; those of models that are here are not its."""
    await with_key(tmp_path, budgets=DOLLARS)
    with pytest.raises(SettingsError) as caught:
        await checked_keys(elsewhere(tmp_path))
    assert "'zai' (found in the environment) charges in CNY" in caught.value.message
    assert "'glm-5'" in caught.value.message
    assert "more, which 'zai' (found in the environment) answers, and nobody knows a price" in caught.value.message
    with pytest.raises(SettingsError) as caught:
        await checked_keys(elsewhere(tmp_path), ["GLM-5"])
    assert "CNY" not in caught.value.message


async def test_a_key_that_asks_what_a_service_of_the_environment_has_prices_for_is_right(tmp_path: Path) -> None:
    """By its list; and with a price of all models, all of it."""
    await with_key(tmp_path, budgets=DOLLARS, models=("glm-4.6",))
    assert await checked_keys(elsewhere(tmp_path)) == "covered"
    (tmp_path / "all").mkdir()
    await with_key(tmp_path / "all", budgets=DOLLARS)
    every = '[[prices]]\nmodel = "*"\ncurrency = "USD"\noutput = 1\n'
    assert await checked_keys(elsewhere(tmp_path / "all", every)) == "covered"


async def test_a_key_of_ours_in_the_environment_is_no_service(tmp_path: Path) -> None:
    """It is not sent there, so nothing is charged."""
    await with_key(tmp_path, budgets=DOLLARS)
    accounts = await open_accounts(tmp_path, url=settings(tmp_path).storage.url)
    own = accounts.keyring.text((await accounts.keyring.keys())[0])
    await accounts.aclose()
    assert await checked_keys(elsewhere(tmp_path, key=own)) == "covered"
