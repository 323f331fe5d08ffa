"""The master key's file in GLMGATE_HOME: made at the first start, readable by its owner only.

What the master key is for stands in `policy.keys`.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from glmgate.errors import SettingsError
from glmgate.policy.keys import MasterKey

FILE_NAME: Final = "master.key"

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_or_make(home: Path) -> MasterKey:
    """The master key of the folder `home`; folder and key are made where they are missing.

    The folder is made private (0700). SettingsError when that is not possible, or when others may read the file: they
    may have read it already, and then only new keys help.
    """
    _make_private(home)
    path = home / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & _OTHERS:
            raise SettingsError(
                f"Others than its owner may open the master key {str(path)!r}. If nobody has: chmod 600. If somebody "
                "may have: delete it together with the database, and give out new keys."
            )
        return MasterKey.from_text(path.read_text())
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"The master key {str(path)!r} cannot be read or made: {exc}.") from exc


def make_folder(home: Path) -> None:
    """Make the folder, for its owner only, if it is missing."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise SettingsError(f"The folder {str(home)!r} cannot be made: {exc}. Give another by GLMGATE_HOME.") from exc


def _make_private(home: Path) -> None:
    make_folder(home)
    try:
        if home.stat().st_mode & _OTHERS:
            home.chmod(0o700)
    except OSError as exc:
        raise SettingsError(
            f"The folder {str(home)!r} cannot be made private: {exc}. Give a folder of your own by GLMGATE_HOME, or "
            "the master key by [server] master_key."
        ) from exc


def _make(path: Path) -> None:
    # Written aside and linked: of two processes that start at once one file wins, and nobody reads half of it.
    aside = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            return
    finally:
        aside.unlink()
