"""What ZhipuAIAllToolsRunnable tells of a run, as values that become JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel


class MsgType:
    """What kind of message a text stands for."""

    TEXT = 1
    IMAGE = 2
    AUDIO = 3
    VIDEO = 4


class AllToolsBaseComponent(BaseModel):
    """Something that happened in a run. `status` is one of callbacks.agent_callback_handler.AgentStatus."""

    run_id: str
    status: int

    @classmethod
    def class_name(cls) -> str:
        """The name that stands in its JSON."""
        return cls.__name__

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """Its members and its class; `kwargs` as for pydantic's model_dump."""
        return self.model_dump(**kwargs) | {"class_name": self.class_name()}

    def to_json(self, **kwargs: Any) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(**kwargs), ensure_ascii=False, default=str)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], **kwargs: Any) -> Self:
        """What `to_dict` gave; `kwargs` go before its members."""
        return cls(**{name: value for name, value in {**data, **kwargs}.items() if name != "class_name"})

    @classmethod
    def from_json(cls, data_str: str, **kwargs: Any) -> Self:
        """What `to_json` gave."""
        return cls.from_dict(json.loads(data_str), **kwargs)


class AllToolsAction(AllToolsBaseComponent):
    """The model asked for a tool."""

    tool: str
    tool_input: str | dict[str, Any]
    log: str


class AllToolsFinish(AllToolsBaseComponent):
    """The agent has its answer, in `return_values["output"]`."""

    return_values: dict[str, Any]
    log: str


class AllToolsActionToolStart(AllToolsBaseComponent):
    """A tool begins."""

    tool: str
    tool_input: str | None = None


class AllToolsActionToolEnd(AllToolsBaseComponent):
    """A tool has ended."""

    tool: str
    tool_output: str


class AllToolsLLMStatus(AllToolsBaseComponent):
    """The model or the run begins, says something, ends or fails."""

    text: str
    message_type: int = MsgType.TEXT
