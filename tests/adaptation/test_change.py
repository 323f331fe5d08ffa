"""The piece that changes nothing, on which all others are built."""

from __future__ import annotations

from glmgate.adaptation.change import Change, Piece
from glmgate.wire.delta import Delta
from tests.adaptation.requests import chat


def test_it_changes_nothing() -> None:
    """What comes goes, nothing is held, no further call is needed."""
    piece = Piece()
    delta = Delta(content="a")
    assert piece.feed(delta) == (delta,)
    assert piece.close() == ()
    assert piece.follow_up(chat()) is None
    assert not piece.done


def test_a_rule_may_have_nothing_to_say() -> None:
    """The request alone is an outcome."""
    request = chat()
    change = Change(request)
    assert (change.request, change.notes, change.undo) == (request, (), None)
