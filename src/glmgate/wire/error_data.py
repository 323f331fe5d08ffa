"""Errors as plain values and back, for processes of ours that tell each other why something was refused.

What a client is told is written in `error_body`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from glmgate.errors import GlmgateError, InternalError

_MEMBERS: Final = (
    "message", "param", "code", "zai_code", "retry_after_s", "retry", "remedy", "parked_until", "is_ours",
)  # fmt: skip


def as_data(error: GlmgateError) -> dict[str, Any]:
    """All of the error, by the name of its class."""
    return {"kind": type(error).__name__, **{name: getattr(error, name) for name in _MEMBERS}}


def from_data(data: dict[str, Any]) -> GlmgateError:
    """The error that `as_data` was given; an InternalError where this process knows no such class."""
    kind = next((each for each in _kinds(GlmgateError) if each.__name__ == data["kind"]), InternalError)
    error = kind.__new__(kind)
    GlmgateError.__init__(error, data["message"])
    for name in _MEMBERS:
        setattr(error, name, data[name])
    return error


def _kinds(root: type[GlmgateError]) -> Iterator[type[GlmgateError]]:
    yield root
    for each in root.__subclasses__():
        yield from _kinds(each)
