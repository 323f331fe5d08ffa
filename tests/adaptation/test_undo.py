"""Pieces behind one another."""

from __future__ import annotations

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Piece
from glmgate.adaptation.undo import Undo
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Note
from tests.adaptation.requests import chat, completion, folded


class Late(Piece):
    """Says one text behind, and wants another call when it is told to."""

    def __init__(self, mark: str, *, again: bool = False) -> None:
        super().__init__()
        self._mark = mark
        self._held = ""
        self._again = again

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        held, self._held = self._held, f"{delta.content}{self._mark}"
        return (msgspec.structs.replace(delta, content=held),)

    @override
    def close(self) -> tuple[Delta, ...]:
        return (Delta(content=self._held),)

    @override
    def follow_up(self, request: ChatRequest) -> ChatRequest | None:
        again, self._again = self._again, False
        return msgspec.structs.replace(request, model="again") if again else None


def test_deltas_go_through_all_pieces_in_order() -> None:
    """The first piece sees what the deployment said, the last gives what the caller sees; close lets all of it out."""
    undo = Undo(chat(), [Late("1"), Late("2")])
    deltas = [*undo.feed(Delta(content="a")), *undo.feed(Delta(content="b")), *undo.close()]
    assert folded(deltas).content == "2a12b12"


def test_one_piece_is_enough_to_leave() -> None:
    """Whoever is done."""
    pieces = [Piece(), Piece()]
    undo = Undo(chat(), pieces)
    assert not undo.done
    pieces[1].done = True
    assert undo.done


def test_a_further_call_is_made_from_the_request_as_sent() -> None:
    """Once; then there is none."""
    undo = Undo(chat(), [Piece(), Late("", again=True)])
    following = undo.follow_up()
    assert isinstance(following, ChatRequest)
    assert following.model == "again"
    assert undo.follow_up() is None


def test_completions_have_no_further_call() -> None:
    """Their pieces never need one."""
    assert Undo(completion(), [Late("", again=True)]).follow_up() is None


class Noting(Piece):
    """Has something to say about the answer."""

    @override
    def notes(self) -> tuple[Note, ...]:
        return (Note("a", "repaired"),)


def test_what_pieces_find_out_is_told() -> None:
    """Most have nothing to say."""
    assert Undo(chat(), (Late("."), Noting(), Noting())).notes() == (Note("a", "repaired"),) * 2
