"""Log probabilities in the form of the older text completions, made from the chat form (OpenAI reference, completions).

Only the form is changed; which tokens there are was decided by the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def legacy(logprobs: Mapping[str, Any] | None, *, offset: int) -> dict[str, Any] | None:
    """`tokens`, `token_logprobs`, `top_logprobs` and `text_offset` of the chat form's `content`.

    `offset` is the number of characters of the choice's text that stood before these tokens.
    """
    if logprobs is None:
        return None
    entries = logprobs.get("content") or []
    offsets = []
    for entry in entries:
        offsets.append(offset)
        offset += len(entry["token"])
    return {
        "tokens": [entry["token"] for entry in entries],
        "token_logprobs": [entry["logprob"] for entry in entries],
        "top_logprobs": [_likeliest(entry) for entry in entries],
        "text_offset": offsets,
    }


def _likeliest(entry: Mapping[str, Any]) -> dict[str, float]:
    """The likeliest tokens, and the one that was taken: the reference promises that it is among them."""
    told = {other["token"]: other["logprob"] for other in entry.get("top_logprobs") or []}
    return told | {entry["token"]: entry["logprob"]} if told else told


def modern(logprobs: Mapping[str, Any]) -> dict[str, Any]:
    """The chat form of the older one: an entry for each token, with as many alternatives as there were."""
    tokens = logprobs["tokens"]
    chances = [*(logprobs.get("token_logprobs") or []), *[None] * len(tokens)]
    others = [*(logprobs.get("top_logprobs") or []), *[None] * len(tokens)]
    # The first token of an echoed prompt has no probability: null there, and null here.
    entries = [
        {"token": token, "logprob": chance, "bytes": list(token.encode()), "top_logprobs": _alternatives(other)}
        for token, chance, other in zip(tokens, chances, others, strict=False)
    ]
    return {"content": entries}


def _alternatives(others: Mapping[str, float] | None) -> list[dict[str, Any]]:
    return [
        {"token": token, "logprob": chance, "bytes": list(token.encode())} for token, chance in (others or {}).items()
    ]
