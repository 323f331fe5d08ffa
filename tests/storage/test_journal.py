"""The journal's files: what was appended is read again, by its process or, when that is dead, by another."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import SettingsError
from glmgate.policy.ledger import Row
from glmgate.storage.frames import framed
from glmgate.storage.journal import FOLDER, OwnJournal, Segments, abandoned, living, own_journal
from tests.storage.attempts import ended, reserved, settled

SMALL = 2000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[OwnJournal]:
    """A journal of small segments."""
    made = own_journal(tmp_path, segment_bytes=SMALL)
    yield made
    made.close()


def append(journal: OwnJournal, numbers: range) -> list[Row]:
    """Append the attempts of so many requests."""
    rows: list[Row] = []
    for number in numbers:
        rows += [reserved(number), settled(number), ended(number)]
    for row in rows:
        journal.append(framed(row))
    return rows


def read(journal: Segments, most: int = 7) -> list[Row]:
    """Read all there is, and be done with it."""
    rows: list[Row] = []
    while (batch := journal.next(most)).rows or batch.broken:
        rows += batch.rows
        journal.done(batch)
    return rows


def files(home: Path) -> list[str]:
    """What lies in the folder, without the lock."""
    return sorted(path.name for path in (home / FOLDER).iterdir() if path.suffix != ".lock")


def test_what_is_appended_is_read_in_its_order(journal: OwnJournal) -> None:
    """Over the borders of segments, and going on after what was read before."""
    rows = append(journal, range(10))
    assert read(journal) == rows
    more = append(journal, range(10, 12))
    assert read(journal) == more
    assert read(journal) == []


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 4), st.booleans()),
            st.tuples(st.just("read"), st.integers(1, 9), st.booleans()),
        ),
        max_size=40,
    )
)
def test_rows_at_hand_are_those_of_the_files(steps: list[tuple[str, int, bool]]) -> None:
    """Whether rows are handed over or have to be read, each comes in its turn until it is done, and then no more."""
    with tempfile.TemporaryDirectory() as home:
        journal = own_journal(Path(home), segment_bytes=SMALL)
        rows: list[Row] = []
        got: list[Row] = []
        for what, count, switch in steps:
            if what == "append":
                more: list[Row] = [reserved(len(rows) + place) for place in range(count)]
                journal.append(b"".join(map(framed, more)), more if switch else ())
                rows += more
                continue
            batch = journal.next(count)
            assert len(batch.rows) <= max(count, 4)
            assert list(batch.rows) == rows[len(got) : len(got) + len(batch.rows)]
            if switch:
                journal.done(batch)
                got += batch.rows
        assert got + read(journal) == rows
        journal.close()


def test_rows_at_hand_are_not_read(journal: OwnJournal, tmp_path: Path) -> None:
    """What a file holds is not looked at: the rows are those that were handed over with it."""
    journal.append(framed(reserved(1)), [reserved(1)])
    (path,) = (tmp_path / FOLDER).glob("*.1")
    path.write_bytes(b"x" * path.stat().st_size)
    assert read(journal) == [reserved(1)]


def test_rows_come_again_until_they_are_done(journal: OwnJournal) -> None:
    """A commit that failed loses nothing."""
    rows = append(journal, range(1))
    assert list(journal.next(3).rows) == rows
    assert list(journal.next(3).rows) == rows


def test_segments_are_deleted_when_their_rows_are_done(journal: OwnJournal, tmp_path: Path) -> None:
    """Only what may be needed again stays on the disk."""
    append(journal, range(20))
    assert len(files(tmp_path)) > 3
    read(journal)
    assert len(files(tmp_path)) == 1
    journal.remove()
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_files_are_their_owner_s_only(journal: OwnJournal, tmp_path: Path) -> None:
    """Who asked for which model is nobody else's business."""
    append(journal, range(1))
    folder = tmp_path / FOLDER
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_a_living_process_keeps_its_journal(journal: OwnJournal, tmp_path: Path) -> None:
    """Whoever starts beside it does not take it."""
    append(journal, range(1))
    assert list(abandoned(tmp_path)) == []
    assert living(tmp_path) == {journal.instance}


def test_the_journal_of_a_dead_process_is_given_to_one_only(journal: OwnJournal, tmp_path: Path) -> None:
    """Its lock is free then; the second who asks finds it taken, and nothing after it was read."""
    rows = append(journal, range(10))
    journal.close()
    assert living(tmp_path) == frozenset()
    (found,) = abandoned(tmp_path)
    assert list(abandoned(tmp_path)) == []
    assert found.instance == journal.instance
    assert read(found) == rows
    found.remove()
    assert list((tmp_path / FOLDER).iterdir()) == []
    assert list(abandoned(tmp_path)) == []


def test_two_processes_have_journals_of_their_own(journal: OwnJournal, tmp_path: Path) -> None:
    """Rows of one are never read as the other's."""
    other = own_journal(tmp_path)
    mine, theirs = append(journal, range(3)), append(other, range(3, 6))
    assert (read(journal), read(other)) == (mine, theirs)
    assert living(tmp_path) == {journal.instance, other.instance}
    other.close()


def test_a_torn_tail_is_cut(journal: OwnJournal, tmp_path: Path) -> None:
    """Half a row at the end of a dead process's journal is no row."""
    rows = append(journal, range(1))
    journal.close()
    path = tmp_path / FOLDER / files(tmp_path)[0]
    os.truncate(path, path.stat().st_size - 5)
    (found,) = abandoned(tmp_path)
    assert read(found) == rows[:-1]
    found.remove()
    assert files(tmp_path) == []


def test_what_cannot_be_read_is_kept_for_people(journal: OwnJournal, tmp_path: Path) -> None:
    """A broken segment is renamed, and the others are read all the same."""
    rows = append(journal, range(10))
    first = tmp_path / FOLDER / files(tmp_path)[0]
    journal.close()
    data = bytearray(first.read_bytes())
    data[-3] ^= 1
    first.write_bytes(data)
    (found,) = abandoned(tmp_path)
    read_rows = read(found)
    found.remove()
    assert read_rows == [row for row in rows if row in read_rows]
    assert len(read_rows) == len(rows) - 1
    assert files(tmp_path) == [f"{first.name}.broken"]
    assert list(abandoned(tmp_path)) == []


def test_a_broken_last_segment_is_kept_too(journal: OwnJournal, tmp_path: Path) -> None:
    """After a power cut its end may be zeros."""
    rows = append(journal, range(1))
    journal.close()
    path = tmp_path / FOLDER / files(tmp_path)[0]
    path.write_bytes(path.read_bytes() + bytes(100))
    (found,) = abandoned(tmp_path)
    assert read(found) == rows
    found.remove()
    assert files(tmp_path) == [f"{path.name}.broken"]


FULL = """
import os, resource, signal, sys
from pathlib import Path
from glmgate.storage.frames import framed
from glmgate.storage.journal import own_journal
from tests.storage.attempts import reserved, settled
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = own_journal(Path(sys.argv[1]), segment_bytes=1 << 20)
row = framed(reserved(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (len(row) + 50, resource.RLIM_INFINITY))
journal.append(row)
try:
    journal.append(framed(settled(1)))
except OSError as error:
    print("refused", error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(framed(settled(2)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_full_disk_leaves_no_half_of_a_row(tmp_path: Path) -> None:
    """What did not fit is told and taken away again, and what is written later can be read."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command: list[str | Path] = [sys.executable, "-c", FULL, tmp_path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("refused"), done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    (found,) = abandoned(tmp_path)
    assert read(found) == [reserved(1), settled(2)]
    found.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """With its path, before anything is served."""
    (tmp_path / FOLDER).write_text("not a folder")
    with pytest.raises(SettingsError, match="journal cannot be made in"):
        own_journal(tmp_path)


def test_without_a_folder_nobody_died(tmp_path: Path) -> None:
    """A first start finds nothing."""
    assert list(abandoned(tmp_path)) == []
    assert living(tmp_path) == frozenset()
