"""What is asked of chunks and calls more than once, whichever client read them."""

from __future__ import annotations

import json
from typing import Any

Chunks = list[dict[str, Any]]


def text_of(chunks: Chunks, member: str = "content", choice: int = 0) -> str:
    """What the deltas of one choice say, folded."""
    return "".join(
        each["delta"].get(member) or "" for chunk in chunks for each in chunk["choices"] if each["index"] == choice
    )


def reasons_of(chunks: Chunks) -> list[str]:
    """The finish reasons of a stream, one for each choice that ended."""
    return [each["finish_reason"] for chunk in chunks for each in chunk["choices"] if each["finish_reason"]]


def usages_of(chunks: Chunks) -> list[dict[str, Any]]:
    """Every usage of a stream; there must be one."""
    return [chunk["usage"] for chunk in chunks if chunk.get("usage")]


def calls_of(chunks: Chunks) -> list[dict[str, str]]:
    """The tool calls of a stream, their pieces put together by index, as every SDK does."""
    calls: dict[int, dict[str, str]] = {}
    for chunk in chunks:
        for each in chunk["choices"]:
            for piece in each["delta"].get("tool_calls") or []:
                call = calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
                call["id"] += piece.get("id") or ""
                call["name"] += piece["function"].get("name") or ""
                call["arguments"] += piece["function"].get("arguments") or ""
    return [calls[index] for index in sorted(calls)]


def arguments_of(message: dict[str, Any]) -> list[tuple[str, Any]]:
    """The name and the decoded arguments of each call of a message; the arguments must be text."""
    calls = message["tool_calls"] or []
    assert all(isinstance(call["function"]["arguments"], str) for call in calls)
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]
