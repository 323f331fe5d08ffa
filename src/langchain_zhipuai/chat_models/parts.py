"""The parts of a message's content: LangChain's blocks become those of the wire (contract 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

Part = dict[str, Any]
Block = Mapping[str, Any]

_SOUNDS: Final[Mapping[str, str]] = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}
"""GLM's names of formats, where the registered type of a file has another."""
_CALLS: Final = frozenset({"tool_call", "tool_call_chunk", "invalid_tool_call", "tool_use"})
"""Calls stand in `message.tool_calls` as well, and are sent from there."""


def content_of(content: str | list[Any]) -> str | list[Part]:
    """The content of a message that a model reads: a text where it is text only, which every model takes.

    Raises ValueError for a block that the wire has no place for.
    """
    if isinstance(content, str):
        return content
    parts = [part_of(block) for block in content]
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def said_of(content: str | list[Any]) -> tuple[str, str]:
    """What a model said, and what it thought, of the content of its message. Its blocks may be pieces of a sentence."""
    if isinstance(content, str):
        return content, ""
    text, thought = [], []
    for block in content:
        kind = block.get("type") if isinstance(block, Mapping) else "text"
        if kind in {"reasoning", "thinking"}:
            thought.append(block.get(kind) or "")
        elif kind not in _CALLS:
            text.append(_text(part_of(block)))
    return "".join(text), "".join(thought)


def part_of(block: str | Mapping[str, Any]) -> Part:
    """The wire's part for a block. Raises ValueError where the wire has none."""
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if (made := _MADE.get(block.get("type", ""))) is None:
        raise _lacking(block)
    return made(block)


def _plain(block: Block) -> Part:
    if not isinstance(block.get("text"), str):
        raise _lacking(block)
    return {"type": "text", "text": block["text"]}


def _same(block: Block) -> Part:
    return dict(block)


def _image_url(block: Block) -> Part:
    given = block.get("image_url")
    address = given.get("url") if isinstance(given, Mapping) else given
    if not isinstance(address, str):
        raise _lacking(block)
    return _image(address)


def _standard_image(block: Block) -> Part:
    if isinstance(source := block.get("source"), Mapping):  # Anthropic's form
        if not (address := source.get("url") or source.get("data")):
            raise _lacking(block)
        return _image(address)
    return _image(_address(block))


def _video(block: Block) -> Part:
    return {"type": "video_url", "video_url": {"url": _address(block)}}


def _audio(block: Block) -> Part:
    if "base64" not in block:
        raise _lacking(block)
    kind = str(block.get("mime_type") or "audio/wav").partition("/")[2]
    return {"type": "input_audio", "input_audio": {"data": block["base64"], "format": _SOUNDS.get(kind, kind)}}


def _file(block: Block) -> Part:
    return {"type": "file", "file": _held(block)}


def _wrapped(block: Block) -> Part:
    if not isinstance(block.get("value"), Mapping):
        raise _lacking(block)
    return part_of(block["value"])


def _image(address: str) -> Part:
    """GLM takes an address, or the bare base64 that its SDKs send; `detail` it does not have (contract I1)."""
    if address.startswith("data:"):
        address = address.partition(",")[2]
    return {"type": "image_url", "image_url": {"url": address}}


def _address(block: Block) -> str:
    for name in ("url", "base64"):
        if block.get(name):
            return str(block[name])
    raise ValueError(f"A block of type {block['type']!r} needs 'url' or 'base64'; this one has {_members(block)}.")


def _held(block: Block) -> dict[str, Any]:
    """What a file is: its content, its address or its id."""
    if isinstance(block.get("file"), Mapping):
        return dict(block["file"])
    extras = block.get("extras") or {}
    named = {"filename": name} if (name := block.get("filename") or extras.get("filename")) else {}
    if block.get("base64"):
        kind = block.get("mime_type") or "application/pdf"
        return {"file_data": f"data:{kind};base64,{block['base64']}", **named}
    for name, wire in (("url", "file_url"), ("file_id", "file_id"), ("id", "file_id")):
        if block.get(name):
            return {wire: block[name], **named}
    raise ValueError(f"A block of type 'file' needs 'base64', 'url' or 'file_id'; this one has {_members(block)}.")


def _text(part: Part) -> str:
    if part["type"] != "text":
        raise ValueError(f"What a model said is sent as text; a part of type {part['type']!r} cannot be.")
    return str(part["text"])


def _lacking(block: Block) -> ValueError:
    return ValueError(f"GLM's chat takes no content block of type {block.get('type')!r} with {_members(block)}.")


def _members(block: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in block if name != "type") or "no members"


_MADE: Final[Mapping[str, Callable[[Block], Part]]] = {
    "text": _plain,
    "text-plain": _plain,
    "image": _standard_image,
    "image_url": _image_url,
    "video": _video,
    "audio": _audio,
    "file": _file,
    "non_standard": _wrapped,
    # The wire's own; LangChain has no words for some of them.
    "video_url": _same,
    "file_url": _same,
    "input_audio": _same,
}
"""How each type of block becomes a part."""
