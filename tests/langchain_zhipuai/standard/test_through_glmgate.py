"""LangChain's standard integration suites, through a served glmgate, with a service behind it as strict as GLM.

Exempted is only what GLM's wire lacks, each with its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests

from langchain_zhipuai import ChatZhipuAI, ZhipuAIEmbeddings
from tests.langchain_zhipuai.standard.conftest import Chain

# A connection of an event loop that a test has closed is nobody's: each answer ends its own.
ENDS = {"Connection": "close"}
Detail = Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]


class TestChatZhipuAI(ChatModelIntegrationTests):
    """The default way to structured output, on GLM's own path."""

    path: ClassVar[str] = "/api/paas/v4"
    whom: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _asked(self, chain: Chain, downloads: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Point the model at the server, and the suite's downloads at this machine."""
        type(self).whom = {"base_url": chain.served.base(self.path), "api_key": chain.served.key}
        for name, value in downloads.items():
            monkeypatch.setenv(name, value)
        heard = len(chain.service.requests)
        yield
        told = chain.service.requests[heard:]
        assert not [each.refused for each in told if each.refused]
        assert not [each.ignored for each in told if each.ignored]

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        """Ours."""
        return ChatZhipuAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """A model that reads images and files, calls tools and thinks."""
        return {"model": "glm-4.6v", "headers": ENDS, **self.whom}

    @property
    def model_override_value(self) -> str:
        """Another model of the service."""
        return "glm-4.6"

    @property
    def supports_json_mode(self) -> bool:
        """It does."""
        return True

    @property
    def supports_image_inputs(self) -> bool:
        """It does."""
        return True

    @property
    def supports_image_urls(self) -> bool:
        """It does."""
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        """It does."""
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        """It does."""
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        """It does."""
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        """Their blocks of text, images, thoughts and calls are understood."""
        return True

    # GLM takes sound in glm-4-voice only, which calls no tools, and a suite has one model: supports_audio_inputs stays
    # False. What is sent for a block of sound is in test_parts.py.

    # There is nothing to record, the service being here: enable_vcr_tests stays False, and with it one test of speed.
    # The suite has no test of supports_video_inputs; what is sent for a video is in test_parts.py.

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Detail]]:
        """What GLM counts apart. It has no counts of sound, nor of what was written into a cache (contract 3.2)."""
        return {
            "invoke": ["reasoning_output", "cache_read_input"],
            "stream": ["reasoning_output", "cache_read_input"],
        }

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        """An answer with thoughts."""
        return self._answer(stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        """An answer to a prompt that the service had cached in part."""
        return self._answer(stream=stream)

    def _answer(self, *, stream: bool) -> AIMessage:
        model = ChatZhipuAI(**self.chat_model_params, thinking=True)
        if not stream:
            return model.invoke("Hello")
        first, *rest = model.stream("Hello")
        whole = first + rest
        assert isinstance(whole, AIMessageChunk)
        return whole


class TestChatZhipuAIJsonSchema(TestChatZhipuAI):
    """Structured output by json_schema, on OpenAI's path."""

    path = "/v1"

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        """Enforced by glmgate; GLM alone ignores it."""
        return {"method": "json_schema"}


def test_the_service_was_asked(chain: Chain) -> None:
    """The built-in models would have answered as well; through the service goes what GLM gets."""
    chain.service.requests.clear()
    model = ChatZhipuAI(
        model="glm-4.6v", headers=ENDS, base_url=chain.served.base("/api/paas/v4"), api_key=chain.served.key
    )
    assert model.invoke("Hello").text == "Hello! How can I help you today?"
    assert chain.service.last.body["model"] == "glm-4.6v"


class TestZhipuAIEmbeddings(EmbeddingsIntegrationTests):
    """No exemptions."""

    whom: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _asked(self, chain: Chain) -> None:
        """Point the embeddings at the server."""
        type(self).whom = {"base_url": chain.served.base("/api/paas/v4"), "api_key": chain.served.key}

    @property
    def embeddings_class(self) -> type[Embeddings]:
        """Ours."""
        return ZhipuAIEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        """The service's newer model."""
        return {"model": "embedding-3", "headers": ENDS, **self.whom}
