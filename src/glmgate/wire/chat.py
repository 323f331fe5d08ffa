"""Chat requests of both dialects, as one type (contract 3.1 and the OpenAI reference).

What a model accepts of them is not decided here but by the profile of its deployment (`adaptation`).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from glmgate.wire.members import Members

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class ImageUrl(Members):
    """An image by address or base64 (with or without the `data:` prefix, contract 0.7)."""

    url: str
    detail: str | None = None


class Part(Members):
    """One part of a message's content. `type` stays open: parts of kinds that we do not know are kept as unknown."""

    type: str
    text: str | None = None
    image_url: ImageUrl | None = None


class FunctionCall(Members):
    """A call as the model made it; `arguments` is JSON in a string (an object is accepted: [O] documents one)."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ToolCall(Members):
    """A call in an assistant message of the history."""

    id: str | None = None
    type: str | None = None
    index: int | None = None
    function: FunctionCall | None = None


class Message(Members):
    """One message of the conversation."""

    role: Role
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    function_call: FunctionCall | None = None


class FunctionDefinition(Members):
    """A function that the model may call. All but the name may be absent (contract C6)."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Members):
    """A tool; only those of type `function` carry `function`, the others keep their object as unknown."""

    type: str
    function: FunctionDefinition | None = None


class FunctionName(Members):
    """The name in `tool_choice` and in the legacy `function_call`."""

    name: str


class ToolChoice(Members):
    """The object form of `tool_choice`: one named function."""

    type: str
    function: FunctionName | None = None


class JsonSchema(Members):
    """`response_format.json_schema`; `schema` is the schema itself."""

    name: str | None = None
    description: str | None = None
    schema_: dict[str, Any] | None = msgspec.field(default=None, name="schema")
    strict: bool | None = None


class ResponseFormat(Members):
    """The form that the answer must have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class Thinking(Members):
    """The GLM switch for thinking."""

    type: Literal["enabled", "disabled"] | None = None
    clear_thinking: bool | None = None


class StreamOptions(Members):
    """What a stream carries beside its deltas."""

    include_usage: bool | None = None


class GlmgateOptions(Members):
    """Our own switches, in the member `glmgate` of a body."""

    strict: bool | None = None
    cache: bool | None = None
    remember: bool | None = None


class ChatRequest(Members):
    """A chat/completions request of either dialect. Every member but two may be absent."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    thinking: Thinking | None = None
    reasoning_effort: ReasoningEffort | None = None
    do_sample: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    tool_stream: bool | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    user: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    functions: list[FunctionDefinition] | None = None
    function_call: str | FunctionName | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    glmgate: GlmgateOptions | None = None
