"""Code is run like in a console."""

from __future__ import annotations

import pytest

from langchain_zhipuai.agent_toolkits.code_child import run


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print('a')\n1 + 1", "a\n2\n"),
        ("x = 3", ""),
        ("x = 3\nx", "3\n"),
        ("None", ""),
        ("'text'", "'text'\n"),
        ("def f():\n    return 7\nfor _ in range(2):\n    print(f())", "7\n7\n"),
        ("", ""),
        ("# nothing", ""),
    ],
)
def test_the_last_value_is_shown(capsys: pytest.CaptureFixture[str], code: str, printed: str) -> None:
    """As models expect of their interpreter; statements show nothing."""
    run(code, {})
    assert capsys.readouterr().out == printed


def test_definitions_see_each_other() -> None:
    """Functions find what stands beside them."""
    names: dict[str, object] = {}
    run("a = 1\ndef f():\n    return a\nb = f()", names)
    assert names["b"] == 1
