"""The shape of an answer: which members it has at which places, whatever they hold.

It tells whether a record is still what a server writes.
"""

from __future__ import annotations

import json
from typing import Any

# These come and go with how much one read of the engine brings, or hold a caller's words.
_LOOSE = frozenset({"token", "bytes"})


def shape(body: bytes) -> list[str]:
    """The paths of all members, with what kind of value they hold; of a stream those of all its chunks together."""
    if not body.startswith(b"data:"):
        return sorted(set(paths(json.loads(body))))
    events = [event.removeprefix(b"data: ") for event in body.strip().split(b"\n\n")]
    found = {path for event in events if event != b"[DONE]" for path in paths(json.loads(event))}
    return sorted(found | {f"[DONE] {events[-1] == b'[DONE]'}"})


def paths(value: Any, path: str = "") -> list[str]:
    """Every place in a document."""
    if isinstance(value, dict):
        return [each for name, item in value.items() if name not in _LOOSE for each in paths(item, f"{path}.{name}")]
    if isinstance(value, list):
        return [each for item in value for each in paths(item, f"{path}[]")]
    return [f"{path}: {type(value).__name__}"]
