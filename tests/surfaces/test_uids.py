"""Ids of requests that are ours."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from glmgate.surfaces.uids import uid


def test_an_id_is_a_uuid_of_version_7() -> None:
    """With the time in its first twelve digits."""
    text = uid(1_780_000_000.123)
    found = UUID(hex=text)
    assert (found.version, found.variant) == (7, RFC_4122)
    assert found.hex == text
    assert int(text[:12], 16) == 1_780_000_000_123


def test_later_ids_sort_later_and_none_is_the_same() -> None:
    """A database that sorts by them appends."""
    assert uid(1e9) < uid(1e9 + 0.001)
    assert len({uid(1e9) for _ in range(1000)}) == 1000
    assert uid() > uid(1e9)
