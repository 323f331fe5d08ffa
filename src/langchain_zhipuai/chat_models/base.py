"""The chat model: what a user sets, and the calls. What travels is made and read in the modules beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from openai import AsyncStream, Stream
from pydantic import Field
from typing_extensions import override

from langchain_zhipuai.chat_models import blocks
from langchain_zhipuai.chat_models.answers import StreamReader, whole_messages
from langchain_zhipuai.chat_models.errors import told_apart
from langchain_zhipuai.chat_models.request import body_of, options_of, streamed
from langchain_zhipuai.chat_models.structured import Method, Schema, asked_form, reader, with_raw
from langchain_zhipuai.chat_models.tools import Choice, Tool, wire_choice, wire_tools
from langchain_zhipuai.client import Account, body_of_answer

blocks.register()

PATH = "/chat/completions"
Wire = dict[str, Any]


class ChatZhipuAI(Account, BaseChatModel):
    """A chat model of GLM, at glmgate, Z.AI or BigModel."""

    model_name: str = Field(default="glm-4", alias="model")
    """The name of the model."""
    temperature: float | None = 0.7
    """How freely words are drawn, 0 to 1; 0 asks for the likeliest ones, None leaves it to the model."""
    max_tokens: int | None = None
    """The most tokens of an answer, thoughts included."""
    top_p: float | None = None
    """Draw from the likeliest words that make up this share."""
    do_sample: bool | None = None
    """False: the likeliest words, whatever `temperature` says."""
    stop: list[str] | str | None = None
    """Where to stop. GLM itself takes one text, glmgate four."""
    n: int | None = Field(default=None, ge=1)
    """How many answers to give; only glmgate gives more than one, and not in a stream."""
    seed: int | None = None
    """The same number draws the same words, where the service has it."""
    thinking: bool | dict[str, Any] | None = None
    """Whether to think before the answer: True, False, or GLM's own form; None leaves it to the model."""
    reasoning_effort: str | None = None
    """How much to think, where the model has degrees."""
    tool_stream: bool | None = None
    """Whether GLM streams the arguments of calls in pieces."""
    user_id: str | None = None
    """Whom the request is for, 6 to 128 characters."""
    request_id: str | None = None
    """The name of the request, 6 to 64 characters; one in flight at a time."""
    extra_body: dict[str, Any] | None = None
    """Members of the body that win over all others."""
    streaming: bool = False
    """Whether `invoke` streams as well."""
    stream_usage: bool = True
    """Whether a stream is asked to end with what it cost."""

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        body = self._body(messages, stop, kwargs)
        with told_apart():
            answer = self._openai.post(PATH, cast_to=Wire, body=body, options=options_of(kwargs))
        return _result(body_of_answer(answer), kwargs)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        body = self._body(messages, stop, kwargs)
        with told_apart():
            answer = await self._async_openai.post(PATH, cast_to=Wire, body=body, options=options_of(kwargs))
        return _result(body_of_answer(answer), kwargs)

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        body = self._streamed(messages, stop, kwargs)
        read = StreamReader(body["model"], legacy="functions" in kwargs)
        with told_apart():
            chunks = self._openai.post(
                PATH, cast_to=Wire, body=body, options=options_of(kwargs), stream=True, stream_cls=Stream[Wire]
            )
            with chunks:
                for chunk in chunks:
                    if (message := read.read(chunk)) is not None:
                        yield _chunk(message)
        yield _chunk(read.last())

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        body = self._streamed(messages, stop, kwargs)
        read = StreamReader(body["model"], legacy="functions" in kwargs)
        with told_apart():
            chunks = await self._async_openai.post(
                PATH, cast_to=Wire, body=body, options=options_of(kwargs), stream=True, stream_cls=AsyncStream[Wire]
            )
            async with chunks:
                async for chunk in chunks:
                    if (message := read.read(chunk)) is not None:
                        yield _chunk(message)
        yield _chunk(read.last())

    @override
    def bind_tools(
        self,
        tools: Sequence[Mapping[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Choice = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools: functions, tools of LangChain, pydantic classes, and GLM's own as their dicts."""
        wire = wire_tools(tools, strict=strict)
        choice = wire_choice(tool_choice, wire)
        said = {"tool_choice": choice, "parallel_tool_calls": parallel_tool_calls}
        return self.bind(tools=wire, **{name: value for name, value in said.items() if value is not None}, **kwargs)

    def bind_functions(
        self,
        functions: Sequence[Tool],
        function_call: str | Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with functions in OpenAI's older words; its answers have `function_call` as well."""
        wire = [tool["function"] for tool in wire_tools(functions)]
        chosen = {} if function_call is None else {"function_call": function_call}
        return self.bind(functions=wire, **chosen, **kwargs)

    @override
    def with_structured_output(
        self,
        schema: Schema = None,
        *,
        method: Method = "function_calling",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """The model that answers with an object of the schema; with `include_raw` its message beside it."""
        model = self.bind(**asked_form(schema, method, strict=strict), **kwargs)
        read = reader(schema, method)
        return with_raw(model, read) if include_raw else model | read

    @override
    def get_num_tokens(self, text: str) -> int:
        """An estimate, a token for four bytes: GLM counts exactly on the server, which costs a request."""
        return -(-len(text.encode()) // 4)

    @property
    def _defaults(self) -> dict[str, Any]:
        """What the fields say of the body."""
        fields = {
            "model": self.model_name,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "top_p": self.top_p,
            "do_sample": self.do_sample,
            "stop": self.stop,
            "n": self.n,
            "seed": self.seed,
            "thinking": self.thinking,
            "reasoning_effort": self.reasoning_effort,
            "tool_stream": self.tool_stream,
            "user_id": self.user_id,
            "request_id": self.request_id,
            "extra_body": self.extra_body,
        }
        return {name: value for name, value in fields.items() if value is not None} | self.model_kwargs

    def _body(self, messages: list[BaseMessage], stop: list[str] | None, said: Mapping[str, Any]) -> Wire:
        return body_of(self._defaults, messages, {**said, "stop": stop} if stop else said)

    def _streamed(self, messages: list[BaseMessage], stop: list[str] | None, said: Mapping[str, Any]) -> Wire:
        usage = said.get("stream_usage", self.stream_usage)
        rest = {name: value for name, value in said.items() if name != "stream_usage"}
        return streamed(self._body(messages, stop, rest), usage=usage)

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        return {"base_url": self.zhipuai_api_base, **self._defaults}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        own = [self.stop] if isinstance(self.stop, str) else self.stop
        return super()._get_ls_params(stop=stop or own, **kwargs)

    @property
    @override
    def _llm_type(self) -> str:
        return "zhipuai-chat"

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        return {"zhipuai_api_key": "ZHIPUAI_API_KEY"}

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        return True


def _result(answer: Wire, said: Mapping[str, Any]) -> ChatResult:
    messages = whole_messages(answer, legacy="functions" in said)
    if not messages:
        raise ValueError(f"The service sent an answer without choices: {answer!r:.200}")
    generations = [
        ChatGeneration(
            message=message, generation_info={"finish_reason": message.response_metadata.get("finish_reason")}
        )
        for message in messages
    ]
    told = {"token_usage": answer.get("usage") or {}, "model_name": answer.get("model")}
    return ChatResult(generations=generations, llm_output=told)


def _chunk(message: AIMessageChunk) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=message)
