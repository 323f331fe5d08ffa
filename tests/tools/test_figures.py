"""What `tools.figures` reads out of source text."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tools.figures import FunctionFigures, ModuleFigures, cycles, measure


def package(folder: Path, **modules: str) -> dict[str, ModuleFigures]:
    """Measure a package `pkg` of the given modules; `a_in_b` stands for `b/a.py`."""
    root = folder / "pkg"
    for name, text in modules.items():
        path = root.joinpath(*reversed(name.split("_in_"))).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return {module.name: module for module in measure(root)}


def function(folder: Path, text: str) -> FunctionFigures:
    """Measure the first function of a module."""
    return package(folder, one=text)["pkg.one"].functions[0]


def test_docstring_and_comments_are_no_code(tmp_path: Path) -> None:
    """Code lines leave out blank lines, comments and docstrings."""
    text = '''
    """Two
    lines."""
    # why
    x = 1

    y = """not
    a docstring"""
    '''
    assert package(tmp_path, one=text)["pkg.one"].code == 3


def test_function_lines_leave_out_the_docstring(tmp_path: Path) -> None:
    """A long docstring does not make a function long."""
    text = '''
    def f() -> int:
        """One.

        Two.
        """
        return 1
    '''
    assert function(tmp_path, text).lines == 2


@pytest.mark.parametrize(
    ("signature", "expected"),
    [("a, b, *, c", 3), ("a, /, b=1, *args, **kwargs", 2), ("", 0)],
)
def test_parameters_are_counted_without_the_starred(tmp_path: Path, signature: str, expected: int) -> None:
    """Positional and keyword-only parameters count, `*args` and `**kwargs` do not."""
    assert function(tmp_path, f"def f({signature}): ...").parameters == expected


@pytest.mark.parametrize(("decorator", "expected"), [("", 1), ("@staticmethod", 2), ("@classmethod", 1)])
def test_self_and_cls_are_no_parameters(tmp_path: Path, decorator: str, expected: int) -> None:
    """The first parameter of a method is not counted unless the method is static."""
    text = f"class C:\n    {decorator}\n    def f(a, b): ...\n"
    assert function(tmp_path, text).parameters == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 1", 1),
        ("return 1 if x else 2", 2),
        ("return x and y or z", 3),
        ("return [a for a in x if a]", 3),
        ("for a in x:\n        while a: pass", 3),
        ("try: pass\n    except A: pass\n    except B: pass", 3),
        ("match x:\n        case 1: pass\n        case 2: pass", 3),
        ("def g():\n        return 1 if x else 2", 2),
    ],
)
def test_complexity_counts_the_ways_through(tmp_path: Path, body: str, expected: int) -> None:
    """Each branch, loop, handler, case, `and`/`or` and comprehension adds a way."""
    assert function(tmp_path, f"def f(x, y, z):\n    {body}\n").complexity == expected


def test_missing_annotations_are_named(tmp_path: Path) -> None:
    """Every parameter without a type is listed, and a missing result as `return`."""
    assert function(tmp_path, "def f(a, b: int, *c, **d: int): ...").unannotated == ("a", "c", "return")


def test_overloads_are_left_out_and_nested_functions_are_not(tmp_path: Path) -> None:
    """An overload repeats a function; a function inside of another is one of its own."""
    text = """
    @typing.overload
    def f(a: int) -> int: ...
    def f(a: object) -> object:
        def inner() -> None: ...
    class C:
        def m(self) -> None: ...
    """
    names = [each.name for each in package(tmp_path, one=text)["pkg.one"].functions]
    assert names == ["pkg.one:f", "pkg.one:f.inner", "pkg.one:C.m"]


@pytest.mark.parametrize(
    "handler",
    [
        "except: pass",
        "except Exception: pass",
        "except (OSError, Exception): x = 1",
        "except BaseException: return None",
    ],
)
def test_broad_excepts_that_tell_nobody_are_silent(tmp_path: Path, handler: str) -> None:
    """A broad handler that raises nothing, calls nothing and does not use the error is silent."""
    text = f"def f():\n    try: g()\n    {handler}\n"
    assert package(tmp_path, one=text)["pkg.one"].silent == (3,)


@pytest.mark.parametrize(
    "handler",
    ["except OSError: pass", "except Exception: log()", "except Exception: raise", "except Exception as e: x = e"],
)
def test_narrow_and_told_excepts_are_not_silent(tmp_path: Path, handler: str) -> None:
    """Naming the error, logging it, raising or keeping it is not silence."""
    text = f"def f():\n    try: g()\n    {handler}\n"
    assert package(tmp_path, one=text)["pkg.one"].silent == ()


def test_suppressing_everything_is_silent(tmp_path: Path) -> None:
    """`suppress(Exception)` is an empty broad handler in other words; `suppress(OSError)` is none."""
    text = "with contextlib.suppress(Exception): f()\nwith suppress(OSError): f()\n"
    assert package(tmp_path, one=text)["pkg.one"].silent == (1,)


def test_globals_and_prints_are_found_by_line(tmp_path: Path) -> None:
    """`global` and calls of the built-in `print` are reported; a method of that name is not."""
    module = package(tmp_path, one="def f():\n    global x\n    print(1)\n    page.print()\n")["pkg.one"]
    assert (module.globals, module.prints) == ((2,), (3,))


def test_imports_name_submodules_and_the_modules_of_names(tmp_path: Path) -> None:
    """`from a import submodule` means the submodule, `from a.b import name` the module, relative ones alike."""
    modules = package(
        tmp_path,
        __init__="",
        __init___in_a="from . import b\n",
        b_in_a="from ..c import name\n",
        c="import pkg.d\nimport os\n",
        d="",
    )
    assert modules["pkg.a"].imports == {"pkg.a.b"}
    assert modules["pkg.a.b"].imports == {"pkg.c"}
    assert modules["pkg.c"].imports == {"pkg.d"}


def test_imports_for_type_checkers_do_not_count_and_those_in_functions_do(tmp_path: Path) -> None:
    """A cycle that only a type checker sees is none; one that hides in a function is."""
    text = """
    if TYPE_CHECKING:
        from pkg import b
    else:
        from pkg import c
    def f():
        from pkg import d
    """
    assert package(tmp_path, a=text, b="", c="", d="")["pkg.a"].imports == {"pkg.c", "pkg.d"}


def test_cycles_are_the_groups_that_reach_each_other() -> None:
    """Who is reached from a cycle but does not reach back is no part of it."""
    graph = {name: frozenset(targets) for name, targets in {"a": "b", "b": "c", "c": "ad", "d": "e", "e": ""}.items()}
    assert cycles(graph) == [["a", "b", "c"]]
    assert cycles({"a": frozenset("b"), "b": frozenset()}) == []
