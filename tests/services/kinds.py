"""Which services there are, and what each is made of: one for every profile.

How strict a family is stands in `glm` and `openai_like`, how it writes in `shapes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from tests.services import glm, openai_like
from tests.services.answers import Bounds
from tests.services.refusals import Look, Refused
from tests.services.shapes import GlmShape, OpenAiShape, Shape

ServiceName = Literal["zai", "bigmodel", "zai-coding", "openai", "vllm", "sglang", "llama-server", "ollama", "generic"]
ErrorForm = Literal["glm", "openai", "vllm", "sglang", "llama-server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A service. `keyed`: it wants a credential. `ids`: its answers are named after the request's `request_id`."""

    name: ServiceName
    path: str
    shape: Shape
    errors: ErrorForm
    check: Callable[[Look], None]
    bounds: Callable[[Look], Bounds]
    embeddings: Callable[[Look], int]
    models: tuple[str, ...]
    keyed: bool = True
    base64: bool = False
    texts: bool = False
    """It has /completions."""
    id_form: str = "{}"


def _glm(name: ServiceName, path: str, plan: glm.Plan) -> Kind:
    return Kind(
        name=name,
        path=path,
        shape=GlmShape(),
        errors="glm",
        check=partial(glm.check_chat, plan=plan),
        bounds=glm.bounds_of,
        embeddings=glm.check_embeddings,
        models=(*glm.MODELS, *glm.EMBEDDERS),
    )


def _like(name: ServiceName, shape: OpenAiShape, errors: ErrorForm, **members: Any) -> Kind:
    manners = openai_like.MANNERS[name]
    return Kind(
        name=name,
        path="/v1",
        shape=shape,
        errors=errors,
        check=partial(openai_like.check_chat, manners=manners),
        bounds=partial(openai_like.bounds_of, manners=manners),
        embeddings=partial(openai_like.check_embeddings, sizes=name in {"openai", "ollama"}),
        models=("some-model",),
        **members,
    )


_HERE: Final[dict[str, Any]] = {"keyed": False, "texts": True, "base64": True}
_VLLM: Final = OpenAiShape(reasoning="reasoning", first_arguments=False, details=False, extra={"stop_reason": None})

KINDS: Final[Mapping[ServiceName, Kind]] = {
    kind.name: kind
    for kind in (
        _glm("zai", "/api/paas/v4", "general"),
        _glm("bigmodel", "/api/paas/v4", "general"),
        _glm("zai-coding", "/api/coding/paas/v4", "coding"),
        _like("openai", OpenAiShape(reasoning="", null_usage=True), "openai", base64=True, texts=True),
        _like("vllm", _VLLM, "vllm", id_form="chatcmpl-{}", **_HERE),
        _like("sglang", OpenAiShape(whole_calls=True, extra={"matched_stop": None}), "sglang", **_HERE),
        _like("llama-server", OpenAiShape(), "llama-server", **_HERE),
        _like("ollama", OpenAiShape(reasoning="reasoning", whole_calls=True, bare_end=False), "openai", **_HERE),
        _like("generic", OpenAiShape(), "openai", texts=True),
    )
}


def error_body(form: ErrorForm, refused: Refused) -> dict[str, Any]:
    """A refusal as the service writes it: codes are strings at GLM, numbers at vLLM, words or null at OpenAI."""
    message = refused.message
    match form:
        case "glm":
            return {"error": {"code": refused.code, "message": message}}
        case "sglang":
            kind = "BadRequestError" if refused.status == 400 else "InternalServerError"
            return {"object": "error", "message": message, "type": kind, "param": refused.param, "code": refused.status}
        case "vllm":
            kind = "BadRequestError" if refused.status == 400 else "InternalServerError"
            return {"error": {"message": message, "type": kind, "param": refused.param, "code": refused.status}}
        case "llama-server":
            kind = "invalid_request_error" if refused.status == 400 else "server_error"
            return {"error": {"code": refused.status, "message": message, "type": kind}}
        case "openai":
            kind = "invalid_request_error" if refused.status < 429 else "server_error"
            code = None if refused.code.isdigit() else refused.code
            return {"error": {"message": message, "type": kind, "param": refused.param, "code": code}}
