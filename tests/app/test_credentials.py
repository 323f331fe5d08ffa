"""Keys of our own among the secrets for upstreams."""

from __future__ import annotations

from pathlib import Path

import pytest

from glmgate.app.credentials import without_own_keys
from glmgate.errors import SettingsError
from glmgate.settings import Settings, load
from glmgate.storage.accounts import Accounts, open_accounts

STRANGE = "0123456789abcdef0123456789abcdef.abcdefghijklmnop"


async def accounts(home: Path) -> Accounts:
    """The accounts of a home."""
    return await open_accounts(home, url=f"sqlite:///{home}/glmgate.db")


def settings(home: Path, key: str, text: str = "", *, auth: bool = True) -> Settings:
    """Settings that find this key in the environment."""
    (home / "glmgate.toml").write_text(text)
    return load(environment={"ZAI_API_KEY": key}, home=home, flags={("server", "auth"): auth})


@pytest.mark.parametrize("key", [STRANGE, "sk-something", "a.b.c", "x" * 5000])
async def test_a_key_of_the_service_is_used(tmp_path: Path, key: str) -> None:
    """Whatever it looks like: keys of GLM's services have the form of ours."""
    opened = await accounts(tmp_path)
    assert (await without_own_keys(settings(tmp_path, key), opened)).found
    await opened.aclose()


@pytest.mark.parametrize("auth", [True, False])
async def test_a_key_of_our_own_is_left_out_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, auth: bool
) -> None:
    """Also where no key is asked for: an earlier start may have made it."""
    opened = await accounts(tmp_path)
    own = opened.keyring.text(await opened.keyring.create("client"))
    if not auth:
        await opened.aclose()
    found = await without_own_keys(settings(tmp_path, own, auth=auth), opened if auth else None)
    if auth:
        await opened.aclose()
    assert found.found == ()
    assert "ZAI_API_KEY holds a key of this server" in caplog.text
    assert own.partition(".")[2] not in caplog.text


async def test_an_old_or_revoked_key_is_still_ours(tmp_path: Path) -> None:
    """Nobody else gave it out."""
    opened = await accounts(tmp_path)
    key = await opened.keyring.create("client")
    own = opened.keyring.text(key)
    for _ in range(2):
        await opened.keyring.rotate(key.id)
    await opened.keyring.revoke(key.id)
    assert (await without_own_keys(settings(tmp_path, own), opened)).found == ()
    await opened.aclose()


async def test_the_id_of_a_key_alone_does_not_make_it_ours(tmp_path: Path) -> None:
    """A wrong secret is no key of ours."""
    opened = await accounts(tmp_path)
    key = await opened.keyring.create("client")
    assert (await without_own_keys(settings(tmp_path, f"{key.id}.abcdef"), opened)).found
    await opened.aclose()


async def test_a_file_that_refers_to_our_own_key_is_refused(tmp_path: Path) -> None:
    """There somebody meant it, so it is a mistake to be told; without the key."""
    opened = await accounts(tmp_path)
    own = opened.keyring.text(await opened.keyring.create("client"))
    text = '[[upstreams]]\nname = "main"\nprofile = "zai"\ncredentials = ["env:ZAI_API_KEY"]\n'
    with pytest.raises(SettingsError, match="'main': env:ZAI_API_KEY is a key of this server") as caught:
        await without_own_keys(settings(tmp_path, own, text), opened)
    assert own.partition(".")[2] not in caught.value.message
    await opened.aclose()


async def test_without_keys_nothing_is_made(tmp_path: Path) -> None:
    """Where no start has made a key there is none to compare with."""
    assert (await without_own_keys(settings(tmp_path, STRANGE, auth=False), None)).found
    assert [path.name for path in tmp_path.iterdir()] == ["glmgate.toml"]
