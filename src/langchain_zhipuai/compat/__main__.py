"""`python -m langchain_zhipuai.compat run FILE [ARGUMENTS]`: runs an old program as it is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from langchain_zhipuai.compat.running import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        prog="python -m langchain_zhipuai.compat",
        description="Runs programs that were written for the LangChain and the langchain_zhipuai of 2024.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("run", help="run a Python file like `python FILE`, with the old names provided")
    command.add_argument("file", help="the program")
    command.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program finds in sys.argv")
    given = parser.parse_args(arguments)
    try:
        run(given.file, given.arguments)
    except FileNotFoundError as exc:
        if exc.filename != given.file:
            raise
        parser.error(f"there is no file {given.file!r}")


if __name__ == "__main__":
    main()
