"""What `tools.budget` lets through and what it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.budget import main


def judge(folder: Path, text: str, *options: str, name: str = "one") -> int:
    """Hold a package of one module to the budget."""
    path = folder / "pkg" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    exceptions = folder / "exceptions.toml"
    exceptions.touch()
    return main([str(folder / "pkg"), "--exceptions", str(exceptions), *options])


def branches(count: int) -> str:
    """A function with `count` ways through it."""
    return "def f(x: int) -> int:\n    return " + "1 if x else " * (count - 1) + "2\n"


def test_a_small_clean_package_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said but the figures."""
    assert judge(tmp_path, "def f(x: int) -> int:\n    return x\n") == 0
    assert "1 files, lines 2 / 2 / 2; 1 functions, lines 2 / 2 / 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n" * 601, "601 lines, at most 600"),
        ("def f() -> None:\n" + "    x = 1\n" * 80, "81 lines, at most 80"),
        ("def f(a: int, b: int, c: int, d: int, e: int, f: int, g: int) -> None: ...", "over 6 parameters: 100"),
        ("def f(a, b, c, d, e, f, g, h, i) -> None: ...", "9 parameters, at most 8"),
        ("def f(a) -> None: ...", "not annotated: a"),
        (branches(11), "complexity 11, at most 10"),
        ("import pkg.two\n", "import cycle: pkg.one, pkg.two"),
        ("try: f()\nexcept Exception: pass\n", "one.py:2: catches everything in silence"),
        ("def f() -> None:\n    global x\n", "one.py:2: `global`"),
        ("print(1)\n", "one.py:1: `print`"),
    ],
)
def test_what_is_over_the_budget_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """Each kind of fault fails and says what and where."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "two.py").write_text("import pkg.one\n", encoding="utf-8")
    assert judge(tmp_path, text) == 1
    assert said in capsys.readouterr().out


def test_medians_and_shares_are_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Many functions of middling length fail although none is too long by itself."""
    assert judge(tmp_path, "".join(f"def f{n}() -> None:\n" + "    x = 1\n" * 55 for n in range(9))) == 1
    out = capsys.readouterr().out
    assert "median of the lines of a function: 56, at most 8" in out
    assert "per cent of functions over 50 lines: 100, at most 2" in out


@pytest.mark.parametrize(("ways", "verdict"), [(10, 1), (11, 0), (15, 0), (16, 1)])
def test_a_reason_buys_complexity_up_to_15(tmp_path: Path, ways: int, verdict: int) -> None:
    """Between 11 and 15 a reason is enough; above no reason is, and below an entry is stale."""
    (tmp_path / "exceptions.toml").write_text('[[argued]]\nfunction = "pkg.one:f"\nreason = "a grammar"\n', "utf-8")
    assert judge(tmp_path, branches(ways)) == verdict


def test_an_empty_reason_is_none(tmp_path: Path) -> None:
    """An exception has to be argued."""
    (tmp_path / "exceptions.toml").write_text('[[argued]]\nfunction = "pkg.one:f"\nreason = " "\n', "utf-8")
    assert judge(tmp_path, branches(11)) == 1


def test_the_cli_prints_and_has_as_many_parameters_as_flags(tmp_path: Path) -> None:
    """What is forbidden elsewhere is what `cli` is for."""
    text = "def f() -> None:\n    print(1)\n" * 60
    flags = "def g(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int, i: int) -> None: ...\n"
    (tmp_path / "pkg" / "cli").mkdir(parents=True)
    assert judge(tmp_path, text + flags, name="cli/main") == 0


def test_maxima_alone_leave_the_rest_to_others(tmp_path: Path) -> None:
    """With `--maxima` a print is fine and a file of 601 lines is not."""
    assert judge(tmp_path, "print(1)\n", "--maxima") == 0
    assert judge(tmp_path, "x = 1\n" * 601, "--maxima") == 1


def test_lines_of_tests_are_counted_against_lines_of_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fewer than 1.5 lines of tests for a line of code fail."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_one.py").write_text("x = 1\n" * 14, encoding="utf-8")
    assert judge(tmp_path, "x = 1\n" * 10, "--tests", str(tests)) == 1
    assert "14 lines of tests for 10 lines of code" in capsys.readouterr().out
    (tests / "test_one.py").write_text("x = 1\n" * 15, encoding="utf-8")
    assert judge(tmp_path, "x = 1\n" * 10, "--tests", str(tests)) == 0


def test_modules_without_a_test_file_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A module counts as tested by a file or a folder of its name, private or not."""
    tests = tmp_path / "tests"
    (tests / "one").mkdir(parents=True)
    (tests / "one" / "test_all.py").write_text("x = 1\n" * 99, encoding="utf-8")
    assert judge(tmp_path, "x = 1\n", "--tests", str(tests), name="_one") == 0
    assert judge(tmp_path, "x = 1\n", "--tests", str(tests), name="two") == 1
    assert "without: pkg.two" in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A misspelt folder does not pass as a clean one."""
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "missing")])
