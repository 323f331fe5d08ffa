"""The journal's files: each process appends to its own, and whoever starts next reads those of the dead.

A journal is the segments `INSTANCE.1`, `INSTANCE.2` … beside `INSTANCE.lock`, which its process holds locked as long as
it lives, and the kernel frees however it dies. What the rows mean is decided in `ledger`, when they are moved in
`writer`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from typing_extensions import override

from glmgate.errors import SettingsError
from glmgate.policy.ledger import Row
from glmgate.storage.frames import LONGEST, unframed

FOLDER: Final = "journal"

# A new start reads at most what is left of one segment though it is in the database: 2,500 rows, 0.1 s.
SEGMENT_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 18
_MOST_FRESH: Final = 2000  # rows that wait for the database are read from the disk again beyond these
_LOCK: Final = "lock"
_BROKEN: Final = "broken"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that follow each other, and where the next one stands. `broken`: files that cannot be read any further."""

    rows: tuple[Row, ...]
    segment: int
    offset: int
    broken: tuple[Path, ...] = ()


class _Piece(NamedTuple):
    """Rows that were appended together: where their first frame begins, and where their last one ends."""

    rows: tuple[Row, ...]
    begins: tuple[int, int]
    end: tuple[int, int]


class Segments:
    """A journal that is read, under its lock, from its oldest segment on. Closing gives the lock back."""

    def __init__(self, folder: Path, instance: str, lock: int) -> None:
        self.instance = instance
        self._folder = folder
        self._lock = lock
        self._segment = 1
        self._offset = 0

    def next(self, most: int) -> Batch:
        """The next rows, at most so many; none where there are none yet. The same again until `done`."""
        segment, offset = self._segment, self._offset
        broken: list[Path] = []
        while True:
            # Looked for before the reading: nothing is written into a segment any more when there is a next one.
            after = min((number for number in self._numbers() if number > segment), default=None)
            data = self._read(segment, offset)
            found = unframed(data, most=most)
            if found.rows or after is None:
                return Batch(found.rows, segment, offset + found.size, tuple(broken))
            if found.end == "broken":
                broken.append(self._path(segment))
            segment, offset = after, 0

    def done(self, batch: Batch) -> None:
        """The rows of the batch are in the database: go on after them, and delete the segments that are done with."""
        for path in batch.broken:
            path.rename(path.with_name(f"{path.name}.{_BROKEN}"))
        for number in self._numbers():
            if number < batch.segment:
                self._path(number).unlink(missing_ok=True)
        self._segment, self._offset = batch.segment, batch.offset

    def remove(self) -> None:
        """Delete the journal, all of whose rows are in the database. What cannot be read stays, for people."""
        for number in self._numbers():
            path = self._path(number)
            if number == self._segment and unframed(self._read(number, self._offset), most=1).end == _BROKEN:
                path.rename(path.with_name(f"{path.name}.{_BROKEN}"))
            else:
                path.unlink(missing_ok=True)
        (self._folder / f"{self.instance}.{_LOCK}").unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Give the lock back."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _read(self, segment: int, offset: int) -> bytes:
        try:
            with self._path(segment).open("rb") as file:
                file.seek(offset)
                data = file.read(_READ_BYTES)
                # One row may be longer than what is usually read.
                return data if unframed(data, most=1).rows else data + file.read(LONGEST)
        except FileNotFoundError:
            return b""

    def _path(self, number: int) -> Path:
        return self._folder / f"{self.instance}.{number}"

    def _numbers(self) -> list[int]:
        return sorted(
            int(path.suffix[1:]) for path in self._folder.glob(f"{self.instance}.*") if path.suffix[1:].isdecimal()
        )


class OwnJournal(Segments):
    """This process's own journal: appended to in one thread, read in another."""

    def __init__(self, folder: Path, instance: str, lock: int, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._last = 1
        super().__init__(folder, instance, lock)
        self._segment_bytes = segment_bytes
        self._descriptor = -1
        self._size = 0
        self._fresh: deque[_Piece] = deque()
        self._taken: list[_Piece] = []
        self._end = (1, 0)
        self._new_segment(1)

    def append(self, data: bytes, rows: Sequence[Row] = ()) -> None:
        """Put frames at the end, whole or not at all. Raises OSError where the disk takes no more.

        Nothing is synced: what was written outlives the process, not the machine. `rows` are those of the frames, where
        they are at hand: they need not be read from the disk again.
        """
        self._write(data)
        begins, self._end = self._end, (self._last, self._size)
        if rows and len(self._fresh) < _MOST_FRESH:
            self._fresh.append(_Piece(tuple(rows), begins, self._end))

    @override
    def next(self, most: int) -> Batch:
        pieces, size = self._at_hand(most), 0
        for count, piece in enumerate(pieces):
            size += len(piece.rows)
            if size > most:
                pieces = pieces[:count]
                break
        if not pieces:
            return super().next(most)
        return Batch(tuple(row for piece in pieces for row in piece.rows), *pieces[-1].end)

    def _at_hand(self, most: int) -> list[_Piece]:
        """What follows and need not be read. In the reading thread; the other one only adds."""
        place = (self._segment, self._offset)
        self._taken = [piece for piece in self._taken if piece.begins >= place]
        while len(self._taken) < most and self._fresh:
            piece = self._fresh.popleft()
            if piece.begins >= place:
                self._taken.append(piece)
        found = []
        for piece in self._taken:
            if piece.begins != place:
                break
            found.append(piece)
            place = piece.end
        return found

    def _write(self, data: bytes) -> None:
        if self._size >= self._segment_bytes:
            self._new_segment(self._last + 1)
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            self._cut()
            raise
        if written < len(data):
            self._cut()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path(self._last)))
        self._size += written

    def sync(self) -> None:
        """Have what was written outlive the machine too."""
        os.fsync(self._descriptor)

    @override
    def close(self) -> None:
        """Give the lock back; nothing can be appended any more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()

    @override
    def _numbers(self) -> list[int]:
        # Set after the file is made, so that a segment that is not the last is complete.
        return list(range(self._segment, self._last + 1))

    def _cut(self) -> None:
        """Take half a frame away again; where that fails too, what follows goes into another segment."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._size = self._segment_bytes

    def _new_segment(self, number: int) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        descriptor = os.open(self._path(number), flags, 0o600)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._last, self._size = descriptor, number, 0


def own_journal(home: Path, *, segment_bytes: int = SEGMENT_BYTES) -> OwnJournal:
    """A new journal of this process in the folder of journals. Raises SettingsError where none can be made."""
    folder = home / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        while True:
            instance = secrets.token_hex(8)
            lock = _locked(folder / f"{instance}.{_LOCK}", os.O_CREAT | os.O_EXCL)
            if lock is not None:
                return OwnJournal(folder, instance, lock, segment_bytes=segment_bytes)
    except OSError as exc:
        raise SettingsError(f"The ledger's journal cannot be made in {str(folder)!r}: {exc}.") from exc


def abandoned(home: Path) -> Iterator[Segments]:
    """The journals of dead processes, each locked for who asks."""
    folder = home / FOLDER
    for instance in _instances(folder):
        # Without O_EXCL: a folder that was copied may have lost its locks.
        lock = _locked(folder / f"{instance}.{_LOCK}", os.O_CREAT)
        if lock is not None:
            yield Segments(folder, instance, lock)


def living(home: Path) -> frozenset[str]:
    """The processes whose journals are locked: they live, even where the database has not heard of them for long."""
    folder = home / FOLDER
    alive = set()
    for instance in _instances(folder):
        path = folder / f"{instance}.{_LOCK}"
        lock = _locked(path, 0)
        if lock is not None:
            os.close(lock)
        elif path.exists():
            alive.add(instance)
    return frozenset(alive)


def _instances(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = (path.name.split(".") for path in folder.iterdir() if not path.name.endswith(f".{_BROKEN}"))
    return sorted({parts[0] for parts in names if len(parts) == 2})


def _locked(path: Path, flags: int) -> int | None:
    """The descriptor of the lock's file, locked; None where another has it, or has just taken it away."""
    try:
        descriptor = os.open(path, os.O_RDWR | flags, 0o600)
    except (FileNotFoundError, FileExistsError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
