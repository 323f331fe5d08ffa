"""A file while it comes: written under a temporary name, summed up while it is written, put in place when it is whole.

Holds a lock for as long as it is open, which the system releases however its process ends. Knows no network.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from glmgate.weights.errors import PullFailed

_CHUNK: Final = 1024**2
# Left free on the disk: the database and the log have to be able to write while a model comes.
_SPARE_BYTES: Final = 64 * 1024**2
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Part:
    """An open part. `size` bytes are here; nobody else writes to it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = 0
        self._descriptor = descriptor
        self._sum = hashlib.sha256()

    @classmethod
    def opened(cls, path: Path) -> Part | None:
        """The part at `path`, made where there is none; None while another process has it. Call `resume` next."""
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            except BaseException:
                os.close(descriptor)
                raise
            # Who had it before may have put it in place or removed it while we opened it.
            if _is_at(descriptor, path):
                return cls(path, descriptor)
            os.close(descriptor)

    def resume(self) -> None:
        """Sum up what is here already, up to the end. Takes a second for a GB or two."""
        self._sum, self.size = hashlib.sha256(), 0
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        while piece := os.read(self._descriptor, _CHUNK):
            self._sum.update(piece)
            self.size += len(piece)

    def restart(self) -> None:
        """Forget what is here."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._sum, self.size = hashlib.sha256(), 0

    @contextlib.contextmanager
    def or_nothing(self) -> Iterator[None]:
        """Write within this: where the disk is full, the part is removed, and PullFailed says so."""
        try:
            yield
        except OSError as exc:
            if exc.errno in _FULL:
                self.discard()
            raise PullFailed(
                f"{str(self.path)!r} cannot be written: {exc.strerror}. Make room on the disk, then pull again."
            ) from exc

    def check_room(self, total: int) -> None:
        """Raises PullFailed unless the disk has room for the rest of `total` bytes."""
        free, missing = shutil.disk_usage(self.path.parent).free, total - self.size
        if free < missing + _SPARE_BYTES:
            raise PullFailed(
                f"The disk of {str(self.path.parent)!r} has {free / 1e9:.2f} GB free, but {missing / 1e9:.2f} GB have "
                "to come. Make room (`glmgate rm NAME` removes a model), or set GLMGATE_HOME to a larger disk."
            )

    def write(self, piece: bytes) -> None:
        """Add to the end. On a full disk the part is removed; raises PullFailed."""
        view = memoryview(piece)
        with self.or_nothing():
            while view:
                view = view[os.write(self._descriptor, view) :]
        self._sum.update(piece)
        self.size += len(piece)

    @property
    def sha256(self) -> str:
        """The checksum of what is here."""
        return self._sum.hexdigest()

    def place(self, target: Path) -> None:
        """Put the whole file in its place, so that it is there also after a loss of power."""
        os.fsync(self._descriptor)
        self.path.replace(target)
        sync_folder(target.parent)

    def discard(self) -> None:
        """Remove it from the disk."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def close(self) -> None:
        """Let go of it; an empty one is removed."""
        if self.size == 0 and _is_at(self._descriptor, self.path):
            self.discard()
        os.close(self._descriptor)


@contextlib.contextmanager
def telling(folder: Path) -> Iterator[None]:
    """Turn what the system refuses below `folder` into PullFailed."""
    try:
        yield
    except OSError as exc:
        raise PullFailed(
            f"{str(folder)!r} cannot be used: {exc.strerror}. Set GLMGATE_HOME to another folder."
        ) from exc


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
