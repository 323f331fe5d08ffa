"""Errors that travel between processes of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from glmgate.errors import EngineFailed, GlmgateError, InternalError, QuotaExhausted
from glmgate.routing.interfaces import NoSlot
from glmgate.wire.error_data import as_data, from_data


def kinds(root: type[GlmgateError]) -> Iterator[type[GlmgateError]]:
    """Every class of the tree."""
    yield root
    for each in root.__subclasses__():
        yield from kinds(each)


@pytest.mark.parametrize("kind", [*kinds(GlmgateError)], ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_it_was(kind: type[GlmgateError]) -> None:
    """Its class, and all that was said with it."""
    error = kind("why", param="model", code="c", zai_code="1", retry_after_s=2.5, retry=False)
    error.remedy, error.parked_until, error.is_ours = "park", 12.0, True
    found = from_data(as_data(error))
    assert type(found) is kind
    assert vars(found) == vars(error)
    assert str(found) == "why"


def test_what_a_class_says_by_itself_stays() -> None:
    """Status and type are the class's."""
    found = from_data(as_data(QuotaExhausted("none left")))
    assert (found.status, found.type, found.remedy, found.retry) == (429, "insufficient_quota", "park", False)
    assert isinstance(from_data(as_data(NoSlot("busy"))), NoSlot)


def test_an_error_that_this_process_does_not_know_is_a_fault() -> None:
    """As of a class that only the other one has imported."""
    found = from_data(as_data(EngineFailed("broke")) | {"kind": "Strange"})
    assert type(found) is InternalError
    assert found.message == "broke"
