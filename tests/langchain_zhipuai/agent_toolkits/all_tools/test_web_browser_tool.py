"""Pages as text."""

from __future__ import annotations

from langchain_zhipuai.agent_toolkits import WebBrowserAdapterAllTool, WebBrowserToolOutput
from tests.langchain_zhipuai.agent_toolkits.all_tools.actions import called


def test_pages_are_told_with_title_link_and_content() -> None:
    """What a page lacks is left out; a page of unknown members is shown as it is. The pages are kept."""
    pages = (
        {"title": "Cats", "link": "http://example.org/cats", "content": "They purr."},
        {"title": "Dogs", "link": None, "content": ""},
        {"url": "http://example.org/birds"},
    )
    output = WebBrowserAdapterAllTool(platform_params={"deep": True}).run(
        {"agent_action": called("web_browser", "animals", *pages)}
    )
    assert isinstance(output, WebBrowserToolOutput)
    assert str(output) == ("Cats\nhttp://example.org/cats\nThey purr.\n\nDogs\n\n{'url': 'http://example.org/birds'}")
    assert (output.extras["outputs"], output.platform_params) == (list(pages), {"deep": True})
