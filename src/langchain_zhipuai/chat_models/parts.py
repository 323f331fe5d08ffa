"""The parts of a message's content: LangChain's blocks become those of the wire (contract 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Part = dict[str, Any]

_WIRE: Final = frozenset({"video_url", "file_url", "input_audio"})
"""Parts that are the wire's own already; LangChain has no words for some of them."""
_CALLS: Final = frozenset({"tool_call", "tool_call_chunk", "invalid_tool_call", "tool_use"})
"""Calls stand in `message.tool_calls` as well, and are sent from there."""


def content_of(content: str | list[Any]) -> str | list[Part]:
    """The content of a message that a model reads: a text where it is text only, which every model takes.

    Raises ValueError for a block that the wire has no place for.
    """
    if isinstance(content, str):
        return content
    parts = [part for block in content if (part := part_of(block)) is not None]
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
        elif kind not in _CALLS and (part := part_of(block)) is not None:
            text.append(_text(part))
    return "".join(text), "".join(thought)


def part_of(block: str | Mapping[str, Any]) -> Part | None:
    """The wire's part for a block; None for one that says nothing. Raises ValueError where the wire has none."""
    if isinstance(block, str):
        return {"type": "text", "text": block}
    kind = block.get("type")
    if kind in _WIRE:
        return dict(block)
    match kind:
        case "text":
            return {"type": "text", "text": block.get("text") or ""}
        case "text-plain" if "text" in block:
            return {"type": "text", "text": block["text"]}
        case "image_url":
            given = block["image_url"]
            return _image(given if isinstance(given, str) else given["url"])
        case "image" if isinstance(block.get("source"), Mapping):  # Anthropic's form
            source = block["source"]
            return _image(source.get("url") or source.get("data") or "")
        case "image":
            return _image(_address(block))
        case "video":
            return {"type": "video_url", "video_url": {"url": _address(block)}}
        case "audio" if "base64" in block:
            sound = {"data": block["base64"], "format": str(block.get("mime_type", "audio/wav")).partition("/")[2]}
            return {"type": "input_audio", "input_audio": sound}
        case "file":
            return {"type": "file", "file": _file(block)}
        case "non_standard":
            return part_of(block["value"])
    raise ValueError(f"GLM's chat takes no content block of type {kind!r} with {_members(block)}.")


def _image(address: str) -> Part:
    """GLM takes an address, or the bare base64 that its SDKs send; `detail` it does not have (contract I1)."""
    if address.startswith("data:"):
        address = address.partition(",")[2]
    return {"type": "image_url", "image_url": {"url": address}}


def _address(block: Mapping[str, Any]) -> str:
    for name in ("url", "base64"):
        if block.get(name):
            return str(block[name])
    raise ValueError(f"A block of type {block['type']!r} needs 'url' or 'base64'; this one has {_members(block)}.")


def _file(block: Mapping[str, Any]) -> dict[str, Any]:
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


def _members(block: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in block if name != "type") or "no members"
