"""Runs snippets one after the other in one interpreter, so that an SDK is imported once.

Reads a path a line; answers each with a line of JSON: what the snippet printed, and the traceback if one ended it.
"""

from __future__ import annotations

import io
import json
import runpy
import sys
import traceback
from contextlib import redirect_stdout


def run(path: str) -> dict[str, str | None]:
    """Run a snippet as a program of its own."""
    printed = io.StringIO()
    error = None
    with redirect_stdout(printed):
        try:
            runpy.run_path(path, run_name="__main__")
        except BaseException:  # noqa: BLE001  # whatever ends a snippet is what the test asks about
            error = traceback.format_exc()
    return {"output": printed.getvalue(), "error": error}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(line.strip())) + "\n")
        sys.stdout.flush()
