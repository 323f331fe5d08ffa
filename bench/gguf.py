"""How GGUF writes the members of its header, for files that are made here. Standard library only."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

U32: Final = 4
I32: Final = 5
FLOAT: Final = 6
BOOL: Final = 7
STRING: Final = 8
ARRAY: Final = 9


def string(value: str) -> bytes:
    """A text with its length before it."""
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def member(key: str, kind: int, value: bytes) -> bytes:
    """A member of the header."""
    return string(key) + struct.pack("<I", kind) + value


def text(key: str, value: str) -> bytes:
    """A member that is a text."""
    return member(key, STRING, string(value))


def number(key: str, value: int) -> bytes:
    """A member that is a whole number."""
    return member(key, U32, struct.pack("<I", value))


def array(kind: int, items: Sequence[bytes]) -> bytes:
    """The value of a member that is an array."""
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)
