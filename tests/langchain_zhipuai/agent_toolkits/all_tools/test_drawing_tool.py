"""Images as text."""

from __future__ import annotations

from langchain_zhipuai.agent_toolkits import DrawingAdapterAllTool, DrawingToolOutput
from tests.langchain_zhipuai.agent_toolkits.all_tools.actions import called


def test_images_are_told_by_their_addresses() -> None:
    """One on a line."""
    images = ({"image": "http://example.org/1.png"}, {"image": "http://example.org/2.png"}, {"revised_prompt": "a cat"})
    output = DrawingAdapterAllTool().run({"agent_action": called("drawing_tool", "a cat", *images)})
    assert isinstance(output, DrawingToolOutput)
    assert str(output) == "http://example.org/1.png\nhttp://example.org/2.png\n{'revised_prompt': 'a cat'}"
    assert output.extras["outputs"] == list(images)
