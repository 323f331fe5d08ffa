"""How strict Z.AI and BigModel are (contract 3.1, 3.5, 4.1 and the evidence in section 5): what they refuse or ignore.

The older models are stricter; `MODELS` says which is which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from tests.services.answers import Bounds
from tests.services.refusals import Look, Refused, number

ALL_EFFORTS: Final = frozenset({"max", "xhigh", "high", "medium", "low", "minimal", "none"})
KNOWN: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "thinking", "do_sample", "temperature", "top_p"),
        *("max_tokens", "tool_stream", "tools", "tool_choice", "stop", "response_format", "request_id", "user_id"),
        *("seed", "meta", "extra", "sensitive_word_check", "watermark_enabled", "reasoning_effort"),
    }
)
ROLES: Final = frozenset({"system", "user", "assistant", "tool"})
BUILT_IN: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "code_interpreter": {"sandbox": frozenset({"auto", "none"})},
    "web_browser": {},
    "drawing_tool": {},
}
"""What the object of such a tool may say (contract 3.1): its members, and their words. It may be absent."""
TOOL_TYPES: Final = frozenset({"function", "retrieval", "web_search", "mcp"})
FUNCTION_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
SIZES: Final = (256, 512, 1024, 2048)
MOST_INPUTS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a model takes. `open_range`: temperature and top_p of exactly 0 or 1 are refused."""

    most_tokens: int
    thinks: bool = True
    efforts: frozenset[str] = frozenset()
    keeps_thinking: bool = False
    sees: bool = False
    streams_calls: bool = False
    open_range: bool = False
    runs: bool = False
    """It has tools of its own: it runs code, searches, draws."""


_NEW: Final = Model(most_tokens=131_072, streams_calls=True)
_OLD: Final = Model(most_tokens=4_095, thinks=False, open_range=True)
_THREE: Final = frozenset({"low", "high", "max"})
MODELS: Final[Mapping[str, Model]] = {
    "glm-5.3": Model(most_tokens=131_072, efforts=_THREE, keeps_thinking=True, streams_calls=True),
    "glm-5.3-flash": Model(most_tokens=131_072, efforts=_THREE, keeps_thinking=True, sees=True, streams_calls=True),
    "glm-5.2": Model(most_tokens=131_072, efforts=ALL_EFFORTS, streams_calls=True),
    **dict.fromkeys(("glm-5.1", "glm-5", "glm-4.7", "glm-4.7-flash", "glm-4.6"), _NEW),
    **dict.fromkeys(("glm-4.5", "glm-4.5-air", "glm-4.5-flash"), Model(most_tokens=98_304)),
    "glm-4.6v": Model(most_tokens=32_768, sees=True, streams_calls=True),
    "glm-4.5v": Model(most_tokens=16_384, sees=True),
    "glm-4-32b-0414-128k": Model(most_tokens=16_384, thinks=False),
    **dict.fromkeys(("glm-4", "glm-4-plus", "glm-4-air", "glm-4-flash"), _OLD),
    **dict.fromkeys(("glm-4-alltools", "tob-alltools-api-dev"), replace(_OLD, runs=True)),
}
EMBEDDERS: Final[Mapping[str, int]] = {"embedding-3": 2048, "embedding-2": 1024}
Plan = Literal["general", "coding"]


def wrong(message: str, code: str = "1214", param: str | None = None) -> Refused:
    """A 400 with a code of the vendor's."""
    return Refused(400, code, message, param)


def model_of(look: Look) -> Model:
    """What the asked model takes. Raises Refused where there is none."""
    name = look.given("model")
    if not isinstance(name, str) or name.lower() not in MODELS:
        raise wrong("模型不存在，请检查模型代码。", "1211", "model")
    return MODELS[name.lower()]


def check_chat(look: Look, *, plan: Plan) -> None:
    """Refuse what the service refuses; collect what it ignores. Raises Refused."""
    model = model_of(look)
    look.ignore_beyond(KNOWN)
    _check_messages(look, model)
    _check_numbers(look, model)
    _check_thinking(look, model, plan)
    _check_tools(look, model)
    _check_ids(look)
    _check_stop(look)
    _check_format(look)


def bounds_of(look: Look) -> Bounds:
    """What holds for the answer."""
    body = look.body
    model = model_of(look)
    thinking = (body.get("thinking") or {}).get("type")
    effort = body.get("reasoning_effort")
    off = thinking == "disabled" or (model.efforts == ALL_EFFORTS and effort in {"none", "minimal"})
    return Bounds(
        thinks=model.thinks and not off,
        most=body.get("max_tokens"),
        stops=tuple(body.get("stop") or ()),
        tools=tuple(body.get("tools") or ()),
    )


def check_embeddings(look: Look) -> int:
    """The size of the vectors. Raises Refused."""
    size = EMBEDDERS.get(str(look.given("model")).lower())
    if size is None:
        raise wrong("模型不存在，请检查模型代码。", "1211", "model")
    look.ignore_beyond(frozenset({"model", "input", "dimensions", "request_id", "user_id"}))
    inputs = look.given("input")
    texts = [inputs] if isinstance(inputs, str) else inputs
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise wrong("input 参数非法。请检查文档。", param="input")
    if len(texts) > MOST_INPUTS:
        raise wrong("input数组最大不得超过64条。", param="input")
    _check_ids(look)
    wanted = look.given("dimensions")
    if wanted is None:
        return size
    if look.given("model") == "embedding-2" and wanted != size:
        look.ignore("dimensions")
        return size
    if wanted not in SIZES:
        raise wrong("dimensions 参数非法。请检查文档。", param="dimensions")
    return int(wanted)


def _check_messages(look: Look, model: Model) -> None:
    messages = look.given("messages")
    if not isinstance(messages, list) or not messages:
        raise wrong("未正常接收到prompt参数。", "1213", "messages")
    for place, message in enumerate(messages):
        _check_message(look, message, f"messages[{place}]", model)
    if all(message["role"] in {"system", "assistant"} for message in messages):
        raise wrong("messages 参数非法。请检查文档。", param="messages")


def _check_message(look: Look, message: Mapping[str, Any], path: str, model: Model) -> None:
    if message.get("role") not in ROLES:
        raise wrong("角色信息不正确", param=path)
    if message.get("content") is None:
        raise wrong("未正常接收到content参数。", "1213", path)
    if isinstance(message["content"], list):
        _check_parts(message["content"], path, model)
    if message["role"] == "tool" and not message.get("tool_call_id"):
        raise wrong("tool_call_id 参数非法。请检查文档。", param=path)
    for call in message.get("tool_calls") or ():
        _check_call(call, path, model)
    known = {"role", "content", "tool_calls", "tool_call_id", "reasoning_content", "name"}
    for name in message.keys() - known:
        look.ignore(f"{path}.{name}")


def _check_call(call: Mapping[str, Any], path: str, model: Model) -> None:
    """A call of the history: a function's, or one of the model's own tools."""
    kind = call.get("type")
    is_own = model.runs and kind in BUILT_IN and isinstance(call.get(str(kind)), dict)
    if not is_own and (not isinstance(call.get("function", {}).get("arguments"), str) or not call.get("id")):
        raise wrong("tool_calls 参数非法。请检查文档。", param=path)


def _check_parts(parts: list[Any], path: str, model: Model) -> None:
    if not model.sees:
        raise wrong("messages.content.type 参数非法，取值范围 ['text']", "1210", path)
    for part in parts:
        if part.get("type") == "text":
            continue
        if part.get("type") not in {"image_url", "video_url", "file"}:
            raise wrong("messages.content.type 参数非法", "1210", path)
        image = part.get("image_url", {})
        if part["type"] == "image_url" and (image.keys() != {"url"} or image["url"].startswith("data:")):
            raise wrong("图片输入格式/解析错误", "1210", path)


def _check_numbers(look: Look, model: Model) -> None:
    if not number(look, "temperature", low=0, high=1):
        raise wrong("The temperature parameter is illegal.：限制数值范围[0,1]", "1210", "temperature")
    if not number(look, "top_p", low=0.01, high=1):
        raise wrong("The top_p parameter is illegal.：限制数值范围[0.01,1]", "1210", "top_p")
    if model.open_range and not {look.given("temperature"), look.given("top_p")}.isdisjoint({0, 1}):
        raise wrong("temperature、top_p 参数非法，取值范围是：(0.0,1.0)。")
    if not number(look, "max_tokens", low=1, high=model.most_tokens):
        raise wrong(f"The max_tokens parameter is illegal.：限制数值范围[1,{model.most_tokens}]", "1210", "max_tokens")


def _check_thinking(look: Look, model: Model, plan: Plan) -> None:
    thinking = look.given("thinking")
    if thinking is not None:
        if not model.thinks:
            look.ignore("thinking")
        if thinking.get("type") not in {"enabled", "disabled"} or thinking.keys() - {"type", "clear_thinking"}:
            raise wrong("thinking 参数非法。请检查文档。", "1210", "thinking")
        if thinking["type"] == "disabled" and model.keeps_thinking and plan == "general":
            raise wrong("thinking.type 参数非法：disabled", "1210", "thinking")
    effort = look.given("reasoning_effort")
    if effort is None:
        return
    if not model.efforts:
        look.ignore("reasoning_effort")
    elif effort not in model.efforts:
        raise wrong("reasoning_effort 参数非法。请检查文档。", "1210", "reasoning_effort")


def _check_tools(look: Look, model: Model) -> None:
    tools, choice = look.given("tools"), look.given("tool_choice")
    if choice is not None and choice != "auto":
        raise wrong("Tool choice must be auto", "1210", "tool_choice")
    if tools == [] or (choice is not None and tools is None):
        raise wrong("tools 参数非法。请检查文档。", "1210", "tools")
    if look.given("tool_stream") and not model.streams_calls:
        look.ignore("tool_stream")
    if len(tools or ()) > 128:
        raise wrong("tools 数组最大不得超过128。", "1210", "tools")
    for place, tool in enumerate(tools or ()):
        _check_tool(tool, f"tools[{place}]", model)


def _check_tool(tool: Mapping[str, Any], path: str, model: Model) -> None:
    kind = str(tool.get("type"))
    if kind not in TOOL_TYPES and not (model.runs and kind in BUILT_IN):
        raise wrong("tools.type 参数非法。请检查文档。", "1210", path)
    if kind == "function":
        _check_function(tool, path)
    if kind not in BUILT_IN:
        return
    words, body = BUILT_IN[kind], tool.get(kind, {})
    if tool.keys() - {"type", kind} or not isinstance(body, dict) or body.keys() - words.keys():
        raise wrong(f"tools.{kind} 参数非法。请检查文档。", "1210", path)
    if any(value not in words[name] for name, value in body.items()):
        raise wrong(f"tools.{kind} 参数非法，取值范围 {sorted(words['sandbox'])}", "1210", path)


def _check_function(tool: Mapping[str, Any], path: str) -> None:
    function = tool.get("function")
    if tool.keys() != {"type", "function"} or not isinstance(function, dict):
        raise wrong("tools.function 参数非法。请检查文档。", "1210", path)
    if function.keys() != {"name", "description", "parameters"}:
        raise wrong("tools.function 参数非法：name、description、parameters", "1210", path)
    if not FUNCTION_NAME.fullmatch(function["name"]) or not isinstance(function["description"], str):
        raise wrong("tools.function.name 参数非法。请检查文档。", "1210", path)
    if not isinstance(function["parameters"], dict) or function["parameters"].get("type") != "object":
        raise wrong("tools.function.parameters 参数非法。请检查文档。", "1210", path)


def _check_ids(look: Look) -> None:
    for name, most in (("request_id", 64), ("user_id", 128)):
        value = look.given(name)
        if value is not None and not (isinstance(value, str) and 6 <= len(value) <= most):
            raise wrong(f"{name} 参数非法，长度应在6到{most}之间。", param=name)


def _check_stop(look: Look) -> None:
    stop = look.given("stop")
    if stop is not None and not (isinstance(stop, list) and len(stop) == 1 and isinstance(stop[0], str) and stop[0]):
        raise wrong("stop 参数非法，仅支持一个停止词。", "1210", "stop")


def _check_format(look: Look) -> None:
    form = look.given("response_format")
    if form is None:
        return
    match form.get("type"):
        case "text" | "json_object":
            if form.keys() != {"type"}:
                raise wrong("response_format 参数非法。请检查文档。", "1210", "response_format")
        case "json_schema":
            look.ignore("response_format")
        case _:
            raise wrong("response_format.type 参数非法。请检查文档。", "1210", "response_format")
