"""Holds a source tree to the size budget and says what is over it, where, and what the bound is.

Measuring is `figures`; only the bounds, their exceptions and the verdict live here.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.figures import FunctionFigures, ModuleFigures, cycles, measure

EXCEPTIONS: Final = Path(__file__).with_name("budget.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The bounds. Figures of nine codebases set them: medians take care of themselves, maxima and cycles do not."""

    file_lines: int = 600
    file_lines_p90: int = 400
    file_lines_median: int = 150
    function_lines: int = 80
    function_lines_p90: int = 30
    function_lines_median: int = 8
    long_function: int = 50
    long_functions_percent: float = 2.0
    parameters: int = 8
    many_parameters: int = 6
    many_parameters_percent: float = 2.0
    complexity: int = 10
    argued_complexity: int = 15
    test_lines_per_code_line: float = 1.5
    modules_tested_percent: float = 80.0
    # Types of a wire format and commands have as many parameters as their format and flags.
    parameters_free: frozenset[str] = frozenset({"wire", "cli"})
    prints_free: frozenset[str] = frozenset({"cli"})


def over_maxima(modules: Sequence[ModuleFigures], budget: Budget) -> Iterator[str]:
    """Files and functions over the bounds that hold for every folder of the repository."""
    for module in modules:
        if module.lines > budget.file_lines:
            yield f"{module.path}: {module.lines} lines, at most {budget.file_lines}"
        for function in module.functions:
            if function.lines > budget.function_lines:
                yield f"{place(module, function)}: {function.lines} lines, at most {budget.function_lines}"


def over_distribution(modules: Sequence[ModuleFigures], budget: Budget) -> Iterator[str]:
    """Medians, ninetieth percentiles and shares over their bounds."""
    files = [module.lines for module in modules]
    functions = [function for module in modules for function in module.functions]
    lengths = [function.lines for function in functions]
    long = percent(sum(length > budget.long_function for length in lengths), len(lengths))
    many = percent(sum(each.parameters > budget.many_parameters for each in functions), len(functions))
    for what, value, bound in (
        ("median of the lines of a file", quantile(files, 0.5), budget.file_lines_median),
        ("ninetieth percentile of the lines of a file", quantile(files, 0.9), budget.file_lines_p90),
        ("median of the lines of a function", quantile(lengths, 0.5), budget.function_lines_median),
        ("ninetieth percentile of the lines of a function", quantile(lengths, 0.9), budget.function_lines_p90),
        (f"per cent of functions over {budget.long_function} lines", long, budget.long_functions_percent),
        (f"per cent of functions over {budget.many_parameters} parameters", many, budget.many_parameters_percent),
    ):
        if value > bound:
            yield f"{what}: {value:.4g}, at most {bound:.4g}"


def over_functions(modules: Sequence[ModuleFigures], budget: Budget, argued: dict[str, str]) -> Iterator[str]:
    """Single functions with too many parameters or branches, or without annotations; and stale exceptions."""
    needed = set()
    for module in modules:
        for function in module.functions:
            if function.parameters > budget.parameters and part_of(module) not in budget.parameters_free:
                yield f"{place(module, function)}: {function.parameters} parameters, at most {budget.parameters}"
            if function.unannotated:
                yield f"{place(module, function)}: not annotated: {', '.join(function.unannotated)}"
            if function.complexity > budget.complexity:
                needed.add(function.name)
                bound = budget.argued_complexity if argued.get(function.name, "").strip() else budget.complexity
                if function.complexity > bound:
                    yield f"{place(module, function)}: complexity {function.complexity}, at most {bound}"
    for name in sorted(argued.keys() - needed):
        yield f"{EXCEPTIONS.name}: {name!r} needs no exception (any more); remove it"


def forbidden(modules: Sequence[ModuleFigures], budget: Budget) -> Iterator[str]:
    """What may not stand anywhere: import cycles, silent broad excepts, `global`, `print` outside of the CLI."""
    for group in cycles({module.name: module.imports for module in modules}):
        yield f"import cycle: {', '.join(group)}"
    for module in modules:
        for line in module.silent:
            yield f"{module.path}:{line}: catches everything in silence; name the errors, or log and count them"
        for line in module.globals:
            yield f"{module.path}:{line}: `global`; pass the value, or keep it in an object that is passed"
        for line in module.prints:
            if part_of(module) not in budget.prints_free:
                yield f"{module.path}:{line}: `print`; only the CLI answers on standard output"


def over_tests(modules: Sequence[ModuleFigures], tests: Sequence[ModuleFigures], budget: Budget) -> Iterator[str]:
    """Too few lines of tests, or too few modules with a test file (or folder of tests) of their name."""
    code = sum(module.code for module in modules)
    lines = sum(test.lines for test in tests)
    if lines < budget.test_lines_per_code_line * code:
        yield f"{lines} lines of tests for {code} lines of code, at least {budget.test_lines_per_code_line} for each"
    without = untested(modules, tests)
    share = 100 - percent(len(without), len(modules))
    if share < budget.modules_tested_percent:
        yield (
            f"{share:.0f} % of the modules have a test file of their name, "
            f"at least {budget.modules_tested_percent:.0f}; without: {', '.join(without)}"
        )


def untested(modules: Sequence[ModuleFigures], tests: Sequence[ModuleFigures]) -> list[str]:
    """Modules that no test file and no folder of tests is named after; `__init__` and `__main__` need none."""
    names = {part.removeprefix("test_") for test in tests for part in test.name.split(".")}
    names |= {"__init__", "__main__"}
    return [
        module.name for module in modules if module.path.stem not in names and module.path.stem.strip("_") not in names
    ]


def part_of(module: ModuleFigures) -> str:
    """The package below the top one: `wire` for `glmgate.wire.sse`."""
    return (*module.name.split("."), "")[1]


def place(module: ModuleFigures, function: FunctionFigures) -> str:
    """Where to click, and the name that an exception is written under."""
    return f"{module.path}:{function.line} {function.name}"


def quantile(values: Sequence[int], share: float) -> int:
    """The value that `share` of the values do not exceed; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def percent(part: int, whole: int) -> float:
    """`part` of `whole` in per cent; 0 of nothing."""
    return 100 * part / whole if whole else 0.0


def read_exceptions(path: Path) -> dict[str, str]:
    """Function names and the reasons why they may be complex."""
    tables = tomllib.loads(path.read_text(encoding="utf-8")).get("argued", [])
    return {table["function"]: table["reason"] for table in tables}


def summary(modules: Sequence[ModuleFigures]) -> str:
    """The figures that the bounds are about, in one line."""
    files = [module.lines for module in modules]
    functions = [function for module in modules for function in module.functions]
    lengths = [function.lines for function in functions]
    return (
        f"{len(files)} files, lines {spread(files)}; {len(lengths)} functions, lines {spread(lengths)}; "
        f"most parameters {max((each.parameters for each in functions), default=0)}, "
        f"greatest complexity {max((each.complexity for each in functions), default=0)}"
    )


def spread(values: Sequence[int]) -> str:
    """Median, ninetieth percentile and maximum."""
    return f"{quantile(values, 0.5)} / {quantile(values, 0.9)} / {max(values, default=0)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the folders and answer 1 where something is over the budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--maxima", action="store_true", help="hold files and functions to their maxima only")
    parser.add_argument("--tests", type=Path, help="the tests of the folders, which are then counted")
    parser.add_argument("--exceptions", type=Path, default=EXCEPTIONS, help="functions that may be complex, and why")
    options = parser.parse_args(arguments)
    if missing := [folder for folder in options.folders if not folder.is_dir()]:
        parser.error(f"not a folder: {', '.join(map(str, missing))}")

    budget = Budget()
    modules = [module for folder in options.folders for module in measure(folder)]
    faults = list(over_maxima(modules, budget))
    if not options.maxima:
        faults += over_distribution(modules, budget)
        faults += over_functions(modules, budget, read_exceptions(options.exceptions))
        faults += forbidden(modules, budget)
    if options.tests:
        faults += over_tests(modules, measure(options.tests), budget)
    for fault in faults:
        print(fault)
    print(f"{' '.join(map(str, options.folders))}: {summary(modules)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
