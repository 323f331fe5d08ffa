"""The built-in drawing tool: images that the service has made."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from langchain_zhipuai.actions import BuiltInAgentAction
from langchain_zhipuai.agent_toolkits.all_tools.output import BaseToolOutput
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from langchain_zhipuai.agent_toolkits.all_tools.tool import AdapterAllTool


class DrawingToolOutput(BaseToolOutput):
    """The images' addresses, one on a line. The outputs as they came are in `extras["outputs"]`."""

    def __init__(self, data: Any, platform_params: dict[str, Any], **extras: Any) -> None:
        super().__init__(data, **extras)
        self.platform_params = platform_params


class DrawingAdapterAllTool(AdapterAllTool):
    """Makes text of the images that the service has made."""

    name: str = AdapterAllToolStructType.DRAWING_TOOL.value
    description: str = "GLM's own drawing tool"

    @classmethod
    @override
    def get_type(cls) -> str:
        return "DrawingAdapterAllTool"

    @override
    def observe(self, action: BuiltInAgentAction) -> DrawingToolOutput:
        images = self._sent(action)
        text = "\n".join(str(image.get("image") or image) for image in images)
        return DrawingToolOutput(text, self.platform_params, outputs=images)
