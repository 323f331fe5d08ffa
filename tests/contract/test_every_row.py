"""Every row of the contract's section 5 that is about chats and embeddings has a test with its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROWS = (
    *(f"T{number}" for number in range(1, 5)),
    *(f"C{number}" for number in range(1, 11)),
    *(f"R{number}" for number in range(1, 4)),
    *(f"N{number}" for number in range(1, 15)),
    *(f"S{number}" for number in range(1, 5)),
    *(f"E{number}" for number in range(1, 4)),
    *("M1", "M2", "I1", "I2", "L1", "A1"),
)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_asked(row: str) -> None:
    """Through the whole chain, here."""
    source = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert re.search(rf"^async def test_{row.lower()}_", source, re.MULTILINE)
