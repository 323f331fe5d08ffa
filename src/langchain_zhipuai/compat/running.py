"""Runs a file as Python would: as `__main__`, with its arguments, and its own folder first among the imports."""

from __future__ import annotations

import errno
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path


def run(file: str, arguments: Sequence[str]) -> None:
    """Run a file with the names of `langchain_zhipuai.compat` provided. Raises FileNotFoundError where there is none.

    This process is the program's from here on: `sys.argv` and `sys.path` stay as the program left them.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
    sys.argv = [file, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = str(Path(file).resolve().parent)
    runpy.run_path(file, run_name="__main__")
