"""An agent's events in a queue, as JSON, one for each thing that a user may want to see.

Of chains only the outermost is told: an agent is made of many.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from enum import IntEnum
from typing import Any
from uuid import UUID

from langchain_classic.callbacks import AsyncIteratorCallbackHandler
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from typing_extensions import override


class AgentStatus(IntEnum):
    """What an event is about."""

    chain_start = 0
    llm_start = 1
    llm_new_token = 2
    llm_end = 3
    agent_action = 4
    agent_finish = 5
    tool_start = 6
    tool_end = 7
    error = -1
    chain_end = -999


class AgentExecutorAsyncIteratorCallbackHandler(AsyncIteratorCallbackHandler):
    """Collects the events of one run; `aiter` gives them until `done` is set.

    After the run `outputs` has what the agent returned, without its `intermediate_steps`, which are beside it; `out`
    says that it came to its end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.out = False
        self.intermediate_steps: list[tuple[AgentAction, Any]] = []
        self.outputs: dict[str, Any] = {}
        self._root: UUID | None = None

    @override
    async def aiter(self) -> AsyncGenerator[str]:
        """The events, as JSON, until `done` is set and the queue is empty."""
        ended = asyncio.ensure_future(self.done.wait())
        coming: asyncio.Future[str] | None = None
        try:
            while not (ended.done() and self.queue.empty()):
                coming = asyncio.ensure_future(self.queue.get())
                await asyncio.wait({coming, ended}, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    yield coming.result()
                else:
                    coming.cancel()
        finally:
            ended.cancel()
            if coming is not None:
                coming.cancel()

    def _tell(self, run_id: UUID, status: AgentStatus, **members: Any) -> None:
        event = {"run_id": str(run_id), "status": status, **members}
        self.queue.put_nowait(json.dumps(event, ensure_ascii=False, default=str))

    @override
    async def on_llm_start(self, serialized: Mapping[str, Any], prompts: list[str], **kwargs: Any) -> None:
        self._tell(kwargs["run_id"], AgentStatus.llm_start, text="")

    @override
    async def on_chat_model_start(
        self, serialized: Mapping[str, Any], messages: list[list[BaseMessage]], **kwargs: Any
    ) -> None:
        self._tell(kwargs["run_id"], AgentStatus.llm_start, text="")

    @override
    async def on_llm_new_token(self, token: str | list[str | dict[str, Any]], **kwargs: Any) -> None:
        if isinstance(token, str) and token:
            self._tell(kwargs["run_id"], AgentStatus.llm_new_token, text=token)

    @override
    async def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        first = response.generations[0][0]
        text = str(first.message.text) if isinstance(first, ChatGeneration) else first.text
        self._tell(kwargs["run_id"], AgentStatus.llm_end, text=text)

    @override
    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self._failed(error, kwargs["run_id"])

    @override
    async def on_tool_start(self, serialized: dict[str, Any], input_str: str, **kwargs: Any) -> None:
        action = (kwargs.get("inputs") or {}).get("agent_action")
        given = str(action.tool_input) if isinstance(action, AgentAction) else input_str
        self._tell(kwargs["run_id"], AgentStatus.tool_start, tool=serialized["name"], tool_input=given)

    @override
    async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self._tell(kwargs["run_id"], AgentStatus.tool_end, tool=kwargs["name"], tool_output=str(output))

    @override
    async def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self._failed(error, kwargs["run_id"])

    @override
    async def on_agent_action(self, action: AgentAction, **kwargs: Any) -> None:
        told = {"tool": action.tool, "tool_input": action.tool_input, "log": action.log}
        self._tell(kwargs["run_id"], AgentStatus.agent_action, action=told)

    @override
    async def on_agent_finish(self, finish: AgentFinish, **kwargs: Any) -> None:
        told = {"return_values": dict(finish.return_values), "log": finish.log}
        self._tell(kwargs["run_id"], AgentStatus.agent_finish, finish=told)

    @override
    async def on_chain_start(self, serialized: dict[str, Any], inputs: Any, **kwargs: Any) -> None:
        if self._root is not None:
            return
        self._root = kwargs["run_id"]
        self.done.clear()
        self.out = False
        question = inputs.get("input") if isinstance(inputs, dict) else inputs
        self._tell(kwargs["run_id"], AgentStatus.chain_start, inputs={"input": question})

    @override
    async def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        if kwargs["run_id"] != self._root:
            return
        self._root = None
        whole = dict(outputs) if isinstance(outputs, dict) else {"output": outputs}
        self.intermediate_steps = whole.pop("intermediate_steps", [])
        self.outputs = whole
        self.out = True
        self._tell(kwargs["run_id"], AgentStatus.chain_end, outputs=whole)

    @override
    async def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        if kwargs["run_id"] == self._root:
            self._root = None
            self._failed(error, kwargs["run_id"])

    def _failed(self, error: BaseException, run_id: UUID) -> None:
        # What fails inside of a chain fails the chain or was put right there: the chain's own error is told.
        if self._root is None:
            self._tell(run_id, AgentStatus.error, text=f"{type(error).__name__}: {error}")
