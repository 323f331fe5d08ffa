"""What to do where a library of the extra `langchain` is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LIBRARIES: Final = frozenset({"langchain", "langchain_classic", "langchain_core", "openai"})


@contextmanager
def told() -> Iterator[None]:
    """Raises ImportError with the command that installs it, where an import in the block misses one of them."""
    try:
        yield
    except ModuleNotFoundError as missing:
        library = (missing.name or "").partition(".")[0]
        if library not in _LIBRARIES:
            raise
        raise ImportError(
            f"langchain_zhipuai needs {library!r}, which is not installed: pip install 'glmgate[langchain]'"
        ) from missing
