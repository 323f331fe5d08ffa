"""An upstream's stream, made regular: bytes in, deltas out (contract 3.3, S1 to S4). A state machine without I/O.

Whatever the upstream does, each choice ends once, usage is told once, and what is no whole answer raises.
"""

from __future__ import annotations

from typing import Final

from glmgate.engines.upstream import whole
from glmgate.engines.upstream.answer import Answer, Reading
from glmgate.engines.upstream.frames import Frame, FrameReader, Unreadable
from glmgate.engines.upstream.shapes import Chunk
from glmgate.errors import AnswerTruncated
from glmgate.wire.delta import Delta

_BEFORE: Final = b"\xef\xbb\xbf \t\r\n"
_MOST_PLAIN_BYTES: Final = 64 * 1024 * 1024


class ChunkReader:
    """One answer's stream. Any re-chunking of its bytes gives the same deltas.

    A body that is no stream at all (one JSON object, a page) is read as what it is.
    """

    __slots__ = ("_answer", "_begun", "_frames", "_plain", "_reading")

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._answer = Answer(reading)
        self._frames = FrameReader()
        self._plain: bytearray | None = None
        self._begun = False

    @property
    def has_finished(self) -> bool:
        """Whether the answer has come to its end, so that nothing is lost when the connection breaks now."""
        return self._answer.has_finished

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas that these bytes complete. Raises what the upstream's error means; EngineFailed for nonsense."""
        if not self._begun:
            data = self._begin(data)
        if self._plain is not None:
            self._plain += data
            if len(self._plain) > _MOST_PLAIN_BYTES:
                raise whole.unreadable()
            return ()
        try:
            return tuple(self._deltas(self._frames.feed(data)))
        except Unreadable as exc:
            raise whole.unreadable() from exc

    def close(self) -> tuple[Delta, ...]:
        """The stream has ended. Raises AnswerTruncated when the answer had not."""
        if self._plain is not None:
            return whole.read(bytes(self._plain), self._reading)
        try:
            deltas = self._deltas(self._frames.close())
        except Unreadable as exc:
            # Behind the end of the answer only its usage can have been cut off.
            if not self._answer.has_finished:
                raise AnswerTruncated("The answer broke off before its end. Try again.") from exc
            deltas = []
        return (*deltas, *self._answer.close())

    def _begin(self, data: bytes) -> bytes:
        """`data` without the blanks and the byte order mark before a stream; what comes first tells what it is."""
        start = data.lstrip(_BEFORE)
        self._begun = bool(start)
        if start[:1] in (b"{", b"[", b"<"):
            self._plain = bytearray()
        return start

    def _deltas(self, frames: list[Frame]) -> list[Delta]:
        answer = self._answer
        deltas: list[Delta] = []
        for frame in frames:
            if answer.ended:
                break
            if isinstance(frame, Unreadable):
                raise frame
            deltas += answer.feed(frame) if isinstance(frame, Chunk) else answer.close()
            if deltas:
                answer.count_as_said()
        return deltas
