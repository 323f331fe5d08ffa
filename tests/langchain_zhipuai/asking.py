"""Models that ask a loopback service, and a look at what they hold."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from pydantic import SecretStr

from langchain_zhipuai import ChatZhipuAI
from langchain_zhipuai.client import Account
from tests.services import KEYS, Service


def model_of(service: Service, **members: Any) -> ChatZhipuAI:
    """A chat model of a service."""
    return ChatZhipuAI(**{"api_key": KEYS[0], "base_url": service.base_url, "model": "glm-4.6"} | members)


def key_of(account: Account) -> str:
    """The key that it asks with."""
    assert isinstance(account.zhipuai_api_key, SecretStr)
    return account.zhipuai_api_key.get_secret_value()


def summed(chunks: list[Any]) -> AIMessageChunk:
    """The sum of a stream."""
    first, *rest = chunks
    whole = first + rest if rest else first
    assert isinstance(whole, AIMessageChunk)
    return whole
