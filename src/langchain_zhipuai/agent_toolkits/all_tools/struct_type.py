"""The names of the built-in tools."""

from __future__ import annotations

from enum import StrEnum


class AdapterAllToolStructType(StrEnum):
    """A built-in tool, as it is named on the wire."""

    CODE_INTERPRETER = "code_interpreter"
    DRAWING_TOOL = "drawing_tool"
    WEB_BROWSER = "web_browser"
