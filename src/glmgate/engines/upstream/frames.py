"""From the bytes of a stream to its JSON documents, whole or not: cut, merged and doubled frames are put right (S4).

`wire.sse` reads what is as it should be; this reads what services really send, line by line. No meaning is here.
"""

from __future__ import annotations

import json
import re
from typing import Final

import msgspec

from glmgate.engines.upstream.shapes import Chunk

_CHUNK: Final = msgspec.json.Decoder(Chunk)
_LOOSE: Final = json.JSONDecoder()
# Before a document: frames may have no line's end between them (`{…}data: {…}`).
_BETWEEN: Final = re.compile(r"^(?:\s|data:)+")
_NOTHING: Final = frozenset({"", "null", "ping", "keepalive", "keep-alive", "heartbeat"})
_DONE: Final = frozenset({"[DONE]", '"[DONE]"', "DONE"})
_MOST_BYTES: Final = 16 * 1024 * 1024
_MOST_PARTS: Final = 64
_MOST_HELD_BYTES: Final = 1024 * 1024

DONE: Final = "done"
"""What stands for `[DONE]` among documents."""


class Unreadable(Exception):
    """What arrived is not JSON, and cannot become it."""


Frame = Chunk | str | Unreadable
"""A document, DONE, or at last why nothing can be read on."""


class FrameReader:
    """Feed it bytes; it gives back the documents that they complete. Any re-chunking of the bytes gives the same ones.

    Events are not waited for: a line whose JSON is whole is a document, whether an empty line follows or not. A line
    whose JSON is cut is held until the next ones complete it. What comes after DONE is not looked at.
    """

    __slots__ = ("_buffer", "_done", "_held", "_parts")

    def __init__(self) -> None:
        self._buffer = b""
        self._held = b""
        self._parts = 0
        self._done = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take `data`; return what is now whole, in order: what came before something unreadable counts."""
        text = self._buffer + data
        if b"\r" in text:
            # A lone "\r" ends a line, too; one that was cut from its "\n" makes an empty line, which says nothing.
            text = text.replace(b"\r", b"\n")
        *lines, self._buffer = text.split(b"\n")
        frames: list[Frame] = []
        try:
            for line in lines:
                if line.startswith(b"data:") and not self._done:
                    self._take(line[5:].removeprefix(b" "), frames)
            self._check_size()
        except Unreadable as exc:
            self._done = True
            frames.append(exc)
        return frames

    def close(self) -> list[Frame]:
        """The stream has ended: its last line may lack its end, and the last document its rest."""
        frames = self.feed(b"\n") if self._buffer else []
        if self._held and not self._done:
            frames.append(Unreadable("the last frame is cut"))
        return frames

    def _check_size(self) -> None:
        if len(self._buffer) + len(self._held) > _MOST_BYTES:
            raise Unreadable(f"a frame is larger than {_MOST_BYTES} bytes")

    def _take(self, part: bytes, frames: list[Frame]) -> None:
        if not self._held:
            try:
                frames.append(_CHUNK.decode(part))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self._repair(part, part, frames)
            return
        self._repair(self._held + part, part, frames)

    def _repair(self, text: bytes, part: bytes, frames: list[Frame]) -> None:
        """Take documents off `text` until nothing or the beginning of one is left."""
        self._parts += 1
        if self._parts > _MOST_PARTS or len(self._held) > _MOST_HELD_BYTES:
            raise Unreadable("too many frames make one document")
        rest = _whole(text, frames)
        if rest and part is not text and _is_whole(part):
            # The new frame stands for itself: what was held is lost, and with it a part of the answer.
            raise Unreadable("a frame is cut, and its rest never came")
        self._held = rest
        self._done = bool(frames) and frames[-1] is DONE
        if not rest:
            self._parts = 0


def document(data: bytes) -> Chunk:
    """The one document that `data` is. Raises Unreadable."""
    try:
        return _CHUNK.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            return _chunk(json.loads(data))
        except (ValueError, RecursionError) as exc:
            raise Unreadable("a body is no JSON") from exc


def _whole(data: bytes, frames: list[Frame]) -> bytes:
    """Put the documents that `data` begins with into `frames`; return what is left, which begins like a document."""
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        if data.lstrip().startswith(b"{"):
            return data
        raise Unreadable("a frame is no UTF-8") from exc
    while (text := _BETWEEN.sub("", text)).startswith("{"):
        try:
            document, end = _LOOSE.raw_decode(text)
        except ValueError:
            return text.encode()
        except RecursionError as exc:
            raise Unreadable("a frame is nested too deeply") from exc
        frames.append(_chunk(document))
        text = text[end:]
    if (left := text.strip()) in _DONE:
        frames.append(DONE)
    elif left not in _NOTHING:
        raise Unreadable(f"a frame begins with {left[:20]!r}")
    return b""


def _is_whole(data: bytes) -> bool:
    try:
        return not _whole(data, [])
    except Unreadable:
        return False


def _chunk(document: object) -> Chunk:
    try:
        return msgspec.convert(_mended(document), Chunk, strict=False)
    except (msgspec.ValidationError, RecursionError) as exc:
        raise Unreadable(str(exc)) from exc


def _mended(value: object) -> object:
    """`value` with U+FFFD for each half of a surrogate pair: what was cut there is no text and could not be sent on."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {name: _mended(item) for name, item in value.items()}
    return value
