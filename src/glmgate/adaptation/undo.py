"""The undoing of all rules on an answer: the rules' pieces, one behind the other.

What a single piece does lives with its rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from glmgate.adaptation.change import Piece
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Generation, Note


class Undo:
    """Feed it the deltas of one choice in their order, for each call that the answer takes.

    After each read: leave the stream when `done`. When a stream is over or left, `follow_up` says whether a further
    call is needed, whose deltas are fed too. When none is, `close`.
    """

    __slots__ = ("_pieces", "_request")

    def __init__(self, request: Generation, pieces: Sequence[Piece]) -> None:
        self._request = request
        self._pieces = tuple(pieces)

    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        """Take one delta of the deployment, give what the caller may see of it."""
        return self._through(0, (delta,))

    @property
    def done(self) -> bool:
        """True when the stream need not be read further."""
        return any(piece.done for piece in self._pieces)

    def follow_up(self) -> Generation | None:
        """The next call of this answer, or None when there is none."""
        if not isinstance(self._request, ChatRequest):
            return None
        for piece in self._pieces:
            if (request := piece.follow_up(self._request)) is not None:
                return request
        return None

    def notes(self) -> tuple[Note, ...]:
        """What is to be reported of the answer, as far as it is known."""
        return tuple(note for piece in self._pieces for note in piece.notes())

    def close(self) -> tuple[Delta, ...]:
        """The answer is over: what is still held back."""
        out: tuple[Delta, ...] = ()
        for place, piece in enumerate(self._pieces):
            out += self._through(place + 1, piece.close())
        return out

    def _through(self, place: int, deltas: tuple[Delta, ...]) -> tuple[Delta, ...]:
        for piece in self._pieces[place:]:
            deltas = tuple(after for delta in deltas for after in piece.feed(delta))
        return deltas
