"""What is sent to an upstream: the adapted request with the members that only a call can know.

How a request is fitted to a service is decided by `adaptation`; here nothing of it is changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from glmgate.adaptation.profile import Profile
from glmgate.engines.upstream.secret import Secret
from glmgate.wire.chat import ChatRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation
from glmgate.wire.members import plain
from glmgate.wire.tokenizer import TokenizerRequest

# With the nine characters that are added it stays within the 64 of contract 3.1.
_LONGEST_ID: Final = 55
_LONGEST_HEADER: Final = 512


def path(request: Generation) -> str:
    """Where the request is sent, below the base URL."""
    return "/chat/completions" if isinstance(request, ChatRequest) else "/completions"


def generation(call: Call, request: Generation, *, model: str, profile: Profile) -> bytes:
    """The body of a request whose answer is text, streamed or whole as the caller asked for it."""
    members = _named(plain(request), model)
    options = {name: value for name, value in members.pop("stream_options", {}).items() if name != "include_usage"}
    if members.pop("stream", False):
        members["stream"] = True
        if profile.usage_in_stream == "asked":
            options["include_usage"] = True
        if options:
            members["stream_options"] = options
    if profile.request_id:
        members["request_id"] = _own_id(members.get("request_id") or call.request_id)
    return msgspec.json.encode(members)


def embeddings(request: EmbeddingsRequest, *, model: str, profile: Profile) -> bytes:
    """The body that asks for vectors: in base64 where the service has it, a quarter of the bytes and exact (E1)."""
    members = _named(plain(request), model)
    members.pop("encoding_format", None)
    if profile.inputs.base64:
        members["encoding_format"] = "base64"
    return msgspec.json.encode(members)


def count(request: TokenizerRequest, *, model: str) -> bytes:
    """The body that asks for the number of a prompt's tokens."""
    return msgspec.json.encode(_named(plain(request), model))


def headers(call: Call, secret: Secret | None, *, streamed: bool = False) -> Mapping[str, str]:
    """Our credential and what ties the logs of both sides together; nothing of the caller's own."""
    sent = {
        "Accept": "text/event-stream" if streamed else "application/json",
        "Content-Type": "application/json",
        "User-Agent": "glmgate",
    }
    if secret is not None:
        sent["Authorization"] = f"Bearer {secret.reveal()}"
    traced = {
        "x-request-id": call.request_id,
        "traceparent": call.traceparent,
        "tracestate": call.tracestate if call.traceparent else None,
        "x-session-id": call.session_id,
    }
    # What a caller has chosen may be anything; what cannot stand in a header is not forwarded.
    sent |= {name: value for name, value in traced.items() if value and _fits(value)}
    return sent


def _named(members: dict[str, Any], model: str) -> dict[str, Any]:
    members.pop("glmgate", None)
    members["model"] = model
    return members


def _own_id(request_id: str) -> str:
    """An id for one attempt: the same one twice in flight is refused (contract 3.5, 1231), and attempts may overlap."""
    return f"{request_id[:_LONGEST_ID]}-{secrets.token_hex(4)}"


def _fits(value: str) -> bool:
    return len(value) <= _LONGEST_HEADER and value.isascii() and value.isprintable()
