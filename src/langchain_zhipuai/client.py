"""Whom to ask, with which key: the fields that the chat model and the embeddings share, and the clients made of them.

The transport is the `openai` SDK. It repeats what may be repeated, and obeys `Retry-After` and `x-should-retry`.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, Self
from weakref import WeakKeyDictionary, ref

from langchain_core.load import Serializable
from langchain_core.utils import from_env
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, Omit, OpenAI
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

BIGMODEL: Final = "https://open.bigmodel.cn/api/paas/v4"
ZAI: Final = "https://api.z.ai/api/paas/v4"
KEY: Final = "ZHIPUAI_API_KEY"
ZAI_KEY: Final = "ZAI_API_KEY"
BASE: Final = "ZHIPUAI_API_BASE"
_FOREIGN: Final = ("OpenAI-Organization", "OpenAI-Project")
"""Headers that the SDK takes from the environment; they are meant for another service."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client is made of."""

    key: str
    base: str
    retries: int
    timeout: Any
    proxy: str | None
    headers: Mapping[str, str]
    client: Any
    async_client: Any

    def common(self) -> dict[str, Any]:
        """The arguments that the sync and the async client share."""
        headers: dict[str, Any] = {name: Omit() for name in _FOREIGN} | dict(self.headers)
        common = {"api_key": self.key, "base_url": self.base, "max_retries": self.retries, "default_headers": headers}
        return common if self.timeout is None else common | {"timeout": self.timeout}


class LoopClient(DefaultAsyncHttpxClient):
    """The connections of one event loop, closed when they are forgotten while that loop runs.

    The SDK's own would close them in whatever loop runs then, which fails with a complaint where theirs has ended.
    """

    _loop: ref[asyncio.AbstractEventLoop] | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop, proxy: str | None) -> None:
        super().__init__(proxy=proxy)
        self._loop = ref(loop)

    def __del__(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return  # nothing can be awaited here
        if self._loop is not None and running is self._loop() and not self.is_closed:
            _ = running.create_task(self.aclose())  # noqa: RUF006 - it lasts no longer than its connections


@dataclass(slots=True)
class Clients:
    """The clients of one model, made when they are first needed and made anew when its settings change.

    Each event loop has an async client of its own: connections that a closed loop has left behind cannot be used.
    """

    made_with: Settings | None = None
    sync: OpenAI | None = None
    by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = field(default_factory=WeakKeyDictionary)
    lock: Lock = field(default_factory=Lock, repr=False, compare=False)
    """Threads share the clients, and `batch` asks in several at once."""

    def __reduce__(self) -> tuple[type[Clients], tuple[()]]:
        """Copies and pickles of a model make clients of their own."""
        return Clients, ()

    def for_threads(self, settings: Settings) -> OpenAI:
        """The client that blocks."""
        with self.lock:
            self._keep(settings)
            if self.sync is None:
                http = settings.client or (DefaultHttpxClient(proxy=settings.proxy) if settings.proxy else None)
                self.sync = OpenAI(http_client=http, **settings.common())
            return self.sync

    def for_loop(self, settings: Settings) -> AsyncOpenAI:
        """The client of the running event loop."""
        loop = asyncio.get_running_loop()
        with self.lock:
            self._keep(settings)
            found = self.by_loop.get(loop)
            if found is None:
                http = settings.async_client or LoopClient(loop, settings.proxy)
                found = self.by_loop[loop] = AsyncOpenAI(http_client=http, **settings.common())
            return found

    def close(self) -> None:
        """Close the connections of the client that blocks."""
        client, self.sync = self.sync, None
        if client is not None and self.made_with and self.made_with.client is None:
            client.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        client = self.by_loop.pop(asyncio.get_running_loop(), None)
        if client is not None and self.made_with and self.made_with.async_client is None:
            await client.close()

    def _keep(self, settings: Settings) -> None:
        if self.made_with != settings:
            self.made_with, self.sync, self.by_loop = settings, None, WeakKeyDictionary()


class Account(BaseModel):
    """The fields that say whom to ask. Every one may be given by its name or its alias."""

    # What was given is not shown in errors: the key is among it.
    model_config = ConfigDict(
        populate_by_name=True, arbitrary_types_allowed=True, protected_namespaces=(), hide_input_in_errors=True
    )

    zhipuai_api_key: SecretStr | str | None = Field(default=None, alias="api_key")
    """The key. Empty or None: that of `ZHIPUAI_API_KEY`, else that of `ZAI_API_KEY`."""
    zhipuai_api_base: str | None = Field(default=None, alias="base_url")
    """The address up to `/chat/completions`. None: `ZHIPUAI_API_BASE`, else BigModel's, or Z.AI's for its key."""
    zhipuai_proxy: str | None = Field(default=None, alias="proxy")
    """An HTTP proxy to go through."""
    request_timeout: Any = Field(default=None, alias="timeout")
    """Seconds, or what httpx takes; None: the SDK's ten minutes."""
    max_retries: int = Field(default=2, ge=0)
    """How often a request is repeated that may be repeated."""
    default_headers: dict[str, str] = Field(default_factory=dict, alias="headers")
    """Headers to send with every request."""
    http_client: Any = Field(default=None, exclude=True)
    """A client of httpx to use, with its proxy and certificates."""
    http_async_client: Any = Field(default=None, exclude=True)
    """The same for async calls; use it in one event loop only."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further members of the request's body."""

    _clients: Clients = PrivateAttr(default_factory=Clients)

    @model_validator(mode="before")
    @classmethod
    def _unknown_to_the_body(cls, values: object) -> object:
        """Arguments that are no fields go into the body, with a warning."""
        # Behind them are pydantic's `__init__`, for a chat model LangChain's, and who makes the model.
        level = 5 if issubclass(cls, Serializable) else 4
        return gathered(values, _names(cls), stacklevel=level) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _find_the_account(self) -> Self:
        base = self.zhipuai_api_base or from_env(BASE, default=None)()
        if base and not base.startswith(("http://", "https://")):
            raise ValueError(f"base_url {base!r} is no address: it has to begin with http:// or https://.")
        key = _text(self.zhipuai_api_key) or from_env(KEY, default=None)() or ""
        default = BIGMODEL
        if not key:
            key, default = from_env(ZAI_KEY, default=None)() or "", ZAI
        if not key:
            raise ValueError(f"No API key: pass api_key=..., or set {KEY} (or {ZAI_KEY}) in the environment.")
        self.zhipuai_api_key, self.zhipuai_api_base = SecretStr(key), base or default
        return self

    def close(self) -> None:
        """Close the connections of blocking calls; the next call opens new ones. A given `http_client` stays open."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the connections of async calls in this event loop. A given `http_async_client` stays open."""
        await self._clients.aclose()

    @property
    def _settings(self) -> Settings:
        return Settings(
            key=_text(self.zhipuai_api_key),
            base=self.zhipuai_api_base or BIGMODEL,
            retries=self.max_retries,
            timeout=self.request_timeout,
            proxy=self.zhipuai_proxy,
            headers=self.default_headers,
            client=self.http_client,
            async_client=self.http_async_client,
        )

    @property
    def _openai(self) -> OpenAI:
        return self._clients.for_threads(self._settings)

    @property
    def _async_openai(self) -> AsyncOpenAI:
        return self._clients.for_loop(self._settings)


def body_of_answer(answer: object) -> dict[str, Any]:
    """The body of an answer. Raises ValueError for what is no JSON object: the SDK gives a web page as its text."""
    if isinstance(answer, dict):
        return answer
    raise ValueError(f"The service answered with no JSON object; base_url may be a wrong address: {answer!r:.200}")


def gathered(values: Mapping[str, Any], fields: frozenset[str], *, stacklevel: int) -> dict[str, Any]:
    """The arguments with those that are no fields moved into `model_kwargs`. Raises ValueError for what is twice."""
    extra = dict(values.get("model_kwargs") or {})
    unknown = {name: value for name, value in values.items() if name not in fields}
    for name in extra:
        if name in fields:
            raise ValueError(f"{name!r} is a field of its own: pass {name}=..., not in model_kwargs.")
        if name in unknown:
            raise ValueError(f"{name!r} is given twice: as an argument and in model_kwargs.")
    for name in unknown:
        warnings.warn(f"{name!r} is no parameter of its own; it goes into model_kwargs.", stacklevel=stacklevel)
    return {name: value for name, value in values.items() if name in fields} | {"model_kwargs": extra | unknown}


def _text(secret: SecretStr | str | None) -> str:
    return secret.get_secret_value() if isinstance(secret, SecretStr) else secret or ""


def _names(model: type[BaseModel]) -> frozenset[str]:
    fields = model.model_fields
    return frozenset(fields) | {each.alias for each in fields.values() if each.alias is not None}
