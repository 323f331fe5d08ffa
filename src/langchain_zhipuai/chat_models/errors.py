"""Failures: those of the SDK, and for a prompt that is too long one that is LangChain's as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from langchain_core.exceptions import ContextOverflowError
from openai import BadRequestError

_TOO_LONG: Final = frozenset({"1261", "context_length_exceeded"})
"""GLM's code, and OpenAI's (contract 3.5)."""


class ContextOverflow(BadRequestError, ContextOverflowError):
    """The prompt is longer than the model reads."""


@contextmanager
def told_apart() -> Iterator[None]:
    """Raise ContextOverflow for a prompt that is too long; anything else passes."""
    try:
        yield
    except BadRequestError as refused:
        if refused.code not in _TOO_LONG:
            raise
        raise ContextOverflow(refused.message, response=refused.response, body=refused.body) from refused
