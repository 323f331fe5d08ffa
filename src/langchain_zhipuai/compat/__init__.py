"""Old programs on today's LangChain: importing this module provides the names that they import and that are gone.

- `langchain.hub`, with `pull` for the two prompts of this package (`langchain_zhipuai.hub`);
- `langchain.agents.tool`, a `@tool` that understands `pydantic.v1.Field`;
- `langchain.tools.shell`, with `ShellTool`.

Nothing that LangChain has is replaced, and nothing happens unless this module is imported. `python -m
langchain_zhipuai.compat run FILE` imports it and runs a program, which then need not be changed at all.
"""

from __future__ import annotations

from langchain_zhipuai import missing

with missing.told():
    from langchain_zhipuai.compat.names import install, uninstall
    from langchain_zhipuai.compat.shell import ShellTool
    from langchain_zhipuai.compat.tools import tool

__all__ = ["ShellTool", "install", "tool", "uninstall"]

install()
