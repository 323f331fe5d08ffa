"""Legacy text completions (POST /v1/completions, contract L1).

Only the request lives here; its answer is deltas like any other.
"""

from __future__ import annotations

from glmgate.wire.chat import GlmgateOptions, StreamOptions
from glmgate.wire.members import Members


class CompletionRequest(Members):
    """A text completion. `prompt` in token ids is read, so that it can be refused with a reason."""

    model: str
    prompt: str | list[str | int | list[int]] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    best_of: int | None = None
    echo: bool | None = None
    suffix: str | None = None
    logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    user: str | None = None
    request_id: str | None = None
    glmgate: GlmgateOptions | None = None
