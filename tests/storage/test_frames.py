"""Frames: whatever is cut off or changed of a file, no row is misread and none before it is lost."""

from __future__ import annotations

import struct
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.ledger import Owner, Reserved, Row
from glmgate.storage.frames import LONGEST, framed, together, unframed
from glmgate.wire.delta import Usage
from tests.storage.attempts import COST, ended, reserved, settled

ROWS: tuple[Row, ...] = (
    reserved(1),
    settled(1, error_code="upstream_failed"),
    ended(1),
    reserved(2, owner=Owner(key_id="k", organisation="o", project="p", tags=("blue", "grün"))),
    settled(2, outcome="cancelled", reported=None),
)
DATA = b"".join(framed(row) for row in ROWS)
MOST = 1000


def test_rows_come_back_as_they_went() -> None:
    """Each of its own sort, with all of its members, in their order."""
    found = unframed(DATA, most=MOST)
    assert found.rows == ROWS
    assert (found.size, found.end) == (len(DATA), "whole")


def test_rows_together_are_their_frames() -> None:
    """With the rows as they will be read, which is another one where somebody's nonsense is in it."""
    data, held = together(ROWS)
    assert (data, tuple(held)) == (DATA, ROWS)
    odd = reserved(3, owner=Owner(key_id="\udc80", organisation="o", project="p"))
    data, held = together([ROWS[0], odd])
    assert data == framed(ROWS[0]) + framed(odd)
    assert tuple(held) == unframed(data, most=MOST).rows
    assert held[1] != odd


def test_no_more_rows_than_wanted() -> None:
    """The rest begins where the first ones end."""
    first = unframed(DATA, most=2)
    assert first.rows == ROWS[:2]
    assert unframed(DATA[first.size :], most=MOST).rows == ROWS[2:]


@given(st.integers(0, len(DATA)))
def test_a_torn_tail_is_cut_wherever_it_is_torn(size: int) -> None:
    """The rows that are whole are read, and the end says that there is half of one."""
    found = unframed(DATA[:size], most=MOST)
    assert found.rows == ROWS[: len(found.rows)]
    assert found.end == ("whole" if found.size == size else "torn")
    assert unframed(DATA[: found.size], most=MOST).end == "whole"


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_changed_byte_never_makes_another_row(place: int, change: int) -> None:
    """Everything before it is read, and nothing of the frame that it stands in."""
    data = bytearray(DATA)
    data[place] ^= change
    found = unframed(bytes(data), most=MOST)
    assert found.rows == ROWS[: len(found.rows)]
    assert found.size <= place
    assert found.end in {"torn", "broken"}


def test_zeros_are_no_rows() -> None:
    """After a power cut a file may be longer than what was written."""
    found = unframed(DATA + bytes(4096), most=MOST)
    assert found.rows == ROWS
    assert (found.size, found.end) == (len(DATA), "broken")


def test_a_length_beyond_all_rows_is_no_frame() -> None:
    """Nobody waits for gigabytes that will not come."""
    assert unframed(struct.pack("<II", LONGEST + 1, 0), most=MOST).end == "broken"


def test_rows_of_another_version_are_not_guessed() -> None:
    """Whole frames that hold what is no row of ours end the reading."""
    payload = msgspec.msgpack.encode({"type": "forecast", "id": "x"})
    data = struct.pack("<II", len(payload), crc32(payload)) + payload
    found = unframed(DATA + data, most=MOST)
    assert (found.rows, found.end) == (ROWS, "broken")


@pytest.mark.parametrize(("name", "kept"), [("half \ud83d of a pair", "half ? of a pair"), ("\udc00", "?")])
def test_half_of_a_surrogate_pair_is_replaced(name: str, kept: str) -> None:
    """A caller may name a model so, and the row must be written all the same."""
    (row,) = unframed(framed(reserved(1, model=name)), most=MOST).rows
    assert isinstance(row, Reserved)
    assert row.model == kept
    assert row.place == reserved(1).place


def test_a_count_beyond_64_bits_is_bounded() -> None:
    """A service may tell such nonsense."""
    told = Usage(prompt=10**30, completion=-(10**30))
    (row,) = unframed(framed(settled(1, reported=told)), most=MOST).rows
    assert row == settled(1, charge=COST, reported=Usage(prompt=2**63 - 1, completion=1 - 2**63))
