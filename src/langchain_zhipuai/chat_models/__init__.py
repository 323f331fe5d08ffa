"""The chat model, and what its messages carry beyond LangChain's own."""

from __future__ import annotations
