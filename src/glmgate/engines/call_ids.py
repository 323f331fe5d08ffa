"""Ids of tool calls, for engines that give none or the same one twice."""

from __future__ import annotations

import secrets


def call_id() -> str:
    """An id for a tool call, in the shape that clients know."""
    return f"call_{secrets.token_hex(12)}"
