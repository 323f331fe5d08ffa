"""Tests of the accounts: database, master key and keyring opened as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.gateway.identify import Identify
from glmgate.policy.keys import MasterKey
from glmgate.storage.accounts import open_accounts
from glmgate.storage.master import FILE_NAME


def url(home: Path) -> str:
    """The default database of a home."""
    return f"sqlite:///{home}/glmgate.db"


async def test_a_key_outlives_the_process(tmp_path: Path) -> None:
    """A key made in one run is good in the next."""
    home = tmp_path / "home"
    accounts = await open_accounts(home, url=url(home))
    text = accounts.keyring.text(await accounts.keyring.create("mine"))
    await accounts.aclose()
    again = await open_accounts(home, url=url(home))
    caller = await Identify(again.store, again.master)(f"Bearer {text}")
    await again.aclose()
    assert text.startswith(caller.key_id)


async def test_no_secret_is_in_the_database(tmp_path: Path) -> None:
    """Neither a key's secret nor the master key stands in the database's files."""
    accounts = await open_accounts(tmp_path, url=url(tmp_path))
    key = await accounts.keyring.create("mine")
    secret = accounts.keyring.text(key).split(".")[1]
    files = b"".join(path.read_bytes() for path in tmp_path.glob("glmgate.db*"))
    await accounts.aclose()
    assert key.id.encode() in files
    assert secret.encode() not in files
    assert accounts.master.secret not in files


async def test_another_master_key_stops_the_start(tmp_path: Path) -> None:
    """A database is not opened with a master key that did not make its keys."""
    await (await open_accounts(tmp_path, url=url(tmp_path))).aclose()
    (tmp_path / FILE_NAME).unlink()
    with pytest.raises(SettingsError, match="fingerprint"):
        await open_accounts(tmp_path, url=url(tmp_path))


async def test_a_given_master_key_makes_no_file(tmp_path: Path) -> None:
    """With a master key from the settings the home holds none, and its rights are left as they are."""
    tmp_path.chmod(0o755)
    await (await open_accounts(tmp_path, url=url(tmp_path), master=MasterKey.from_text("m" * 32))).aclose()
    assert not (tmp_path / FILE_NAME).exists()
    assert tmp_path.stat().st_mode & 0o777 == 0o755
