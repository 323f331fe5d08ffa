"""Accounts as one thing: database, master key and keyring, opened together and closed together.

Only the order of opening lives here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from glmgate.policy.directory import Directory
from glmgate.policy.interfaces import AccountStore, AuditStore
from glmgate.policy.keyring import Keyring
from glmgate.policy.keys import MasterKey
from glmgate.storage.audit import SqlAuditStore
from glmgate.storage.database import Database
from glmgate.storage.master import load_or_make, make_folder
from glmgate.storage.opening import open_database
from glmgate.storage.organisations import SqlAccountStore


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who may call.

    `store` and `master` are for `gateway.Identify`, `keyring` and `directory` for who makes and changes keys and what
    they belong to, `audit` for who wants to know what was changed.
    """

    database: Database
    store: AccountStore
    master: MasterKey
    keyring: Keyring
    directory: Directory
    audit: AuditStore

    def acting(self, actor: str) -> Accounts:
        """The same accounts in the hands of `actor`, for the audit log."""
        return replace(self, keyring=self.keyring.acting(actor), directory=self.directory.acting(actor))

    async def aclose(self) -> None:
        """Close the database."""
        await self.database.aclose()


async def open_accounts(home: Path, *, url: str, master: MasterKey | None = None) -> Accounts:
    """The accounts in the database at `url`, under `master` or (None) the master key in the folder `home`.

    What is missing is made. SettingsError when the folder, the database or the master key are not what they must be.
    """
    make_folder(home)
    used = load_or_make(home) if master is None else master
    database = await open_database(url)
    store = SqlAccountStore(database)
    keyring = Keyring(store, used)
    try:
        await keyring.check_master()
    except BaseException:
        await database.aclose()
        raise
    return Accounts(database, store, used, keyring, Directory(store, keyring), SqlAuditStore(database))
