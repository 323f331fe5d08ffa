"""The built-in web browser: pages that the service has found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from langchain_zhipuai.actions import BuiltInAgentAction
from langchain_zhipuai.agent_toolkits.all_tools.output import BaseToolOutput
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from langchain_zhipuai.agent_toolkits.all_tools.tool import AdapterAllTool


class WebBrowserToolOutput(BaseToolOutput):
    """Pages as text: title, link and content. The pages themselves are in `extras["outputs"]`."""

    def __init__(self, data: Any, platform_params: dict[str, Any], **extras: Any) -> None:
        super().__init__(data, **extras)
        self.platform_params = platform_params


class WebBrowserAdapterAllTool(AdapterAllTool):
    """Makes text of the pages that the service has found."""

    name: str = AdapterAllToolStructType.WEB_BROWSER.value
    description: str = "GLM's own web browser"

    @classmethod
    @override
    def get_type(cls) -> str:
        return "WebBrowserAdapterAllTool"

    @override
    def observe(self, action: BuiltInAgentAction) -> WebBrowserToolOutput:
        pages = self._sent(action)
        text = "\n\n".join(map(page_text, pages))
        return WebBrowserToolOutput(text, self.platform_params, outputs=pages)


def page_text(page: Mapping[str, Any]) -> str:
    """What is known of a page, each on a line of its own."""
    parts = (page.get("title"), page.get("link"), page.get("content"))
    return "\n".join(str(part) for part in parts if part) or str(dict(page))
