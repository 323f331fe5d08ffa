"""Files that only their owner may open, whatever the process's umask is.

What is in them is not known here.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from glmgate.errors import SettingsError

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_BESIDE: Final = ("", "-wal", "-shm", "-journal")


def make_private(file: Path) -> None:
    """Have an SQLite file be its owner's only, with what SQLite keeps beside it; a file that is missing is made.

    It is made empty, which SQLite takes for a new database; what SQLite makes later has the file's rights. Raises
    SettingsError.
    """
    try:
        # Only one that nobody has open yet: closing a file takes away the locks that its process has on it.
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        narrow(file)
    except OSError as exc:
        raise SettingsError(f"The database {str(file)!r} cannot be made: {exc}.") from exc


def narrow(file: Path) -> None:
    """Take the rights of others from an SQLite file and what is beside it. One of another owner stays as it is."""
    for end in _BESIDE:
        each = file.with_name(file.name + end)
        try:
            mode = each.stat().st_mode
            if stat.S_ISREG(mode) and mode & _OTHERS:
                each.chmod(stat.S_IMODE(mode) & ~_OTHERS)
        except (FileNotFoundError, PermissionError):
            continue
