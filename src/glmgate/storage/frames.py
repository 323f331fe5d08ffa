"""Frames: how the journal's rows stand in a file, one after the other, so that a torn one is never misread.

Pure: bytes in, rows out. A frame is the payload's length and its CRC-32, four bytes each, then the payload: a row of
`policy.ledger` as MessagePack.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal
from zlib import crc32

import msgspec

from glmgate.policy.ledger import Ended, Reserved, Row, Settled

LONGEST: Final = 1 << 20
"""No row is longer: what says so is no frame."""

_HEAD: Final = struct.Struct("<II")
_MOST: Final = 2**63 - 1
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Reserved | Settled | Ended)

End = Literal["whole", "torn", "broken"]
"""How the bytes end: after a frame; inside of one, whose rest may still come; or with what is no frame."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The rows of whole frames, how many bytes they have, and how the bytes after them look."""

    rows: tuple[Row, ...]
    size: int
    end: End


def framed(row: Row) -> bytes:
    """The row's frame."""
    try:
        return _frame(_encoder.encode(row))
    except (UnicodeEncodeError, OverflowError):
        # Half of a surrogate pair in a name, or a count beyond 64 bits: somebody else's nonsense, but our row.
        return _frame(_encoder.encode(_plain(msgspec.to_builtins(row))))


def together(rows: Iterable[Row]) -> tuple[bytes, list[Row]]:
    """The frames of several rows, and the rows as they are in there."""
    data, held = [], []
    for row in rows:
        try:
            data.append(_frame(_encoder.encode(row)))
            held.append(row)
        except (UnicodeEncodeError, OverflowError):
            data.append(framed(row))
            held += unframed(data[-1], most=1).rows
    return b"".join(data), held


def unframed(data: bytes, *, most: int) -> Frames:
    """The first rows in `data`, at most so many."""
    rows: list[Row] = []
    start = 0
    view = memoryview(data)
    while len(rows) < most and start < len(data):
        if len(data) - start < _HEAD.size:
            return Frames(tuple(rows), start, "torn")
        length, check = _HEAD.unpack_from(data, start)
        end = start + _HEAD.size + length
        if not 0 < length <= LONGEST:
            return Frames(tuple(rows), start, "broken")
        if end > len(data):
            return Frames(tuple(rows), start, "torn")
        payload = view[start + _HEAD.size : end]
        if crc32(payload) != check:
            return Frames(tuple(rows), start, "broken")
        try:
            rows.append(_decoder.decode(payload))
        except msgspec.MsgspecError:  # whole, but of a version that writes other rows
            return Frames(tuple(rows), start, "broken")
        start = end
    return Frames(tuple(rows), start, "whole")


def _frame(payload: bytes) -> bytes:
    return _HEAD.pack(len(payload), crc32(payload)) + payload


def _plain(value: Any) -> Any:  # noqa: ANN401 -- whatever a row is made of
    """The value as MessagePack can hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_MOST, min(value, _MOST))
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
