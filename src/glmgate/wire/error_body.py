"""How an error is written: one body that both worlds read (contract 3.5), plain or as the last event of a stream.

Which error it is was decided by whoever raised it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from glmgate.errors import GlmgateError
from glmgate.wire.engine import Surface
from glmgate.wire.sse import event_bytes


def error_members(error: GlmgateError, surface: Surface, request_id: str) -> dict[str, Any]:
    """The body as a dictionary. `code` is a number in a string on the zai surface, OpenAI's word on the other."""
    own, other = _codes(error, surface)
    body: dict[str, Any] = {"code": own, "message": error.message, "type": error.type, "param": error.param}
    body["zai_code" if surface == "openai" else "openai_code"] = other
    return {"error": body, "request_id": request_id}


def error_body(error: GlmgateError, surface: Surface, request_id: str) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(error_members(error, surface, request_id))


def error_event(error: GlmgateError, surface: Surface, request_id: str) -> bytes:
    """An error after the headers have left: one event, after which the stream closes (contract 3.3)."""
    return event_bytes(error_body(error, surface, request_id))


def other_code(error: GlmgateError, surface: Surface) -> str:
    """The code in the vocabulary that the surface does not speak, for the header `x-glm-code`."""
    return _codes(error, surface)[1]


def _codes(error: GlmgateError, surface: Surface) -> tuple[str, str]:
    return (error.zai_code, error.code) if surface == "zai" else (error.code, error.zai_code)
