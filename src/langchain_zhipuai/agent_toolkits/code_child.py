"""What runs in the child of SubprocessCodeExecutor: code from standard input, printed like in a console.

It is started by its path in an isolated interpreter, so it imports nothing but the standard library.
"""

from __future__ import annotations

import ast
import sys
from typing import Any


def run(code: str, names: dict[str, Any]) -> None:
    """Run code; where it ends in an expression, its value is shown as a console does."""
    tree = ast.parse(code, "<code>")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<code>", "exec"), names)  # noqa: S102 - running code is what this process is for
    if isinstance(last, ast.Expr):
        sys.displayhook(eval(compile(ast.Expression(last.value), "<code>", "eval"), names))  # noqa: S307 - see above


if __name__ == "__main__":
    run(sys.stdin.read(), {"__name__": "__main__"})
