"""Every name that programs of 2024 import from `langchain_zhipuai` is where it was (contract 7.2)."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

SURFACE: Final = {
    "agents": "ZhipuAIAllToolsRunnable",
    "agents.zhipuai_all_tools": "ZhipuAIAllToolsRunnable AllToolsAction AllToolsFinish AllToolsActionToolStart "
    "AllToolsActionToolEnd AllToolsLLMStatus AllToolsBaseComponent MsgType",
    "agents.zhipuai_all_tools.base": "ZhipuAIAllToolsRunnable _get_assistants_tool AllToolsAction AllToolsFinish "
    "AllToolsActionToolStart AllToolsActionToolEnd AllToolsLLMStatus OutputType",
    "agents.zhipuai_all_tools.schema": "AllToolsAction AllToolsFinish AllToolsActionToolStart AllToolsActionToolEnd "
    "AllToolsLLMStatus AllToolsBaseComponent MsgType",
    "agents.all_tools_bind.base": "create_zhipuai_tools_agent",
    "agents.all_tools_bind": "create_zhipuai_tools_agent",
    "agents.all_tools_agent": "ZhipuAiAllToolsAgentExecutor",
    "agents.format_scratchpad.all_tools": "format_to_zhipuai_all_tool_messages",
    "agents.output_parsers": "ZhipuAiALLToolsAgentOutputParser",
    "agents.output_parsers.zhipuai_all_tools": "ZhipuAiALLToolsAgentOutputParser ZhipuAiALLToolAgentAction "
    "parse_ai_message_to_zhipuai_all_tool_action",
    "agents.output_parsers.code_interpreter": "CodeInterpreterAgentAction",
    "agents.output_parsers.drawing_tool": "DrawingToolAgentAction",
    "agents.output_parsers.web_browser": "WebBrowserAgentAction",
    "agent_toolkits": "BaseToolOutput AdapterAllTool CodeInterpreterAdapterAllTool DrawingAdapterAllTool "
    "WebBrowserAdapterAllTool CodeInterpreterToolOutput DrawingToolOutput WebBrowserToolOutput",
    "agent_toolkits.all_tools": "BaseToolOutput AdapterAllTool",
    "agent_toolkits.all_tools.tool": "BaseToolOutput AdapterAllTool",
    "agent_toolkits.all_tools.registry": "TOOL_STRUCT_TYPE_TO_TOOL_CLASS",
    "agent_toolkits.all_tools.struct_type": "AdapterAllToolStructType",
    "agent_toolkits.all_tools.code_interpreter_tool": "CodeInterpreterAdapterAllTool CodeInterpreterToolOutput",
    "agent_toolkits.all_tools.drawing_tool": "DrawingAdapterAllTool DrawingToolOutput",
    "agent_toolkits.all_tools.web_browser_tool": "WebBrowserAdapterAllTool WebBrowserToolOutput",
    "callbacks": "AgentExecutorAsyncIteratorCallbackHandler",
    "callbacks.agent_callback_handler": "AgentStatus AgentExecutorAsyncIteratorCallbackHandler",
    "chat_models": "ChatZhipuAI",
    "chat_models.all_tools_message": "ALLToolsMessageChunk",
    "embeddings.base": "ZhipuAIEmbeddings",
    "utils": "History",
    "utils.history": "History",
}


def names() -> Iterator[tuple[str, str]]:
    """Each module with each of its names."""
    for module, words in SURFACE.items():
        for name in words.split():
            yield module, name


@pytest.mark.parametrize(("module", "name"), list(names()), ids=str)
def test_a_name_is_where_it_was(module: str, name: str) -> None:
    """The module has it."""
    assert hasattr(importlib.import_module(f"langchain_zhipuai.{module}"), name)


@pytest.mark.slow
def test_each_module_can_be_imported_first() -> None:
    """No module rests on another having been imported before: the old one's did."""
    tried = "\n".join(
        f"for name in [name for name in sys.modules if name.startswith('langchain_zhipuai')]: del sys.modules[name]\n"
        f"import langchain_zhipuai.{module}"
        for module in SURFACE
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{tried}"], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_of_langchain_is_changed_by_an_import() -> None:
    """The shim is for those who ask for it."""
    program = (
        "import langchain_zhipuai.agents, langchain_zhipuai.hub, langchain.agents, sys\n"
        "assert not hasattr(langchain.agents, 'tool')\n"
        "assert 'langchain.hub' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


def test_packages_that_nobody_maintains_are_not_needed() -> None:
    """Where they are installed LangChain imports them by itself; where they are not, nothing is missing."""
    program = (
        "import sys\n"
        "sys.modules['langchain_community'] = sys.modules['langchain_experimental'] = None\n"
        "import langchain_zhipuai.agents, langchain_zhipuai.compat\n"
        "print(langchain_zhipuai.compat.ShellTool().run('echo ran'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.split() == ["ran"], done.stderr


@pytest.mark.parametrize(
    ("module", "library"),
    [
        ("agents.output_parsers", "langchain_classic"),
        ("agent_toolkits", "langchain_classic"),
        ("callbacks", "langchain_classic"),
        ("compat", "langchain_classic"),
        ("compat", "langchain"),
    ],
)
def test_a_library_that_is_missing_is_told_with_what_installs_it(module: str, library: str) -> None:
    """Where somebody has LangChain's core alone; who needs no more of it than that goes on."""
    program = (
        "import sys\n"
        f"sys.modules[{library!r}] = None\n"
        "import langchain_zhipuai, langchain_zhipuai.hub, langchain_zhipuai.utils\n"
        f"import langchain_zhipuai.{module}\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.stderr.splitlines()[-1] == (
        f"ImportError: langchain_zhipuai needs {library!r}, which is not installed: pip install 'glmgate[langchain]'"
    )
