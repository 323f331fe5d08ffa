"""A service that a test scripts, and models that ask it: what the agents' tests share."""

from __future__ import annotations

from typing import Any, Final

from langchain_zhipuai import ChatZhipuAI
from langchain_zhipuai.agents import ZhipuAIAllToolsRunnable
from tests.services import KEYS, Service

MODEL: Final = "glm-4-alltools"
WEB: Final[dict[str, Any]] = {"type": "web_browser"}
DRAWING: Final[dict[str, Any]] = {"type": "drawing_tool"}
CODE: Final[dict[str, Any]] = {"type": "code_interpreter", "code_interpreter": {"sandbox": "none"}}
CODE_THERE: Final[dict[str, Any]] = {"type": "code_interpreter"}
PAGE: Final[dict[str, Any]] = {"title": "Cats", "link": "http://example.org/cats", "content": "They purr."}
IMAGE: Final[dict[str, Any]] = {"image": "http://example.org/cat.png"}
OPENED: Final[list[ChatZhipuAI | ZhipuAIAllToolsRunnable]] = []
LOGS: Final[dict[str, Any]] = {"type": "logs", "logs": "42\n"}


def asked_at(service: Service) -> dict[str, Any]:
    """What a model needs to ask the service."""
    return {"api_key": KEYS[0], "base_url": service.base_url, "max_retries": 0}


def model_at(service: Service) -> ChatZhipuAI:
    """A model that asks the service."""
    model = ChatZhipuAI(model=MODEL, **asked_at(service))
    OPENED.append(model)
    return model


def agent_at(service: Service, *tools: Any, **members: Any) -> ZhipuAIAllToolsRunnable:
    """An agent that asks the service."""
    agent = ZhipuAIAllToolsRunnable.create_agent_executor(MODEL, tools=tools, **asked_at(service), **members)
    OPENED.append(agent)
    return agent


async def close_all() -> None:
    """Close the connections of all that was made here."""
    while OPENED:
        opened = OPENED.pop()
        await opened.aclose()
        if isinstance(opened, ChatZhipuAI):
            opened.close()


def messages(service: Service, place: int = -1) -> list[dict[str, Any]]:
    """The messages of one of the requests, the last one if none is named."""
    found: list[dict[str, Any]] = service.requests[place].body["messages"]
    return found
