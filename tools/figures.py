"""What a tree of Python source measures: sizes, branches, parameters, imports, annotations; read with `ast` alone.

Nothing is judged here (that is `budget`), and nothing that is measured is ever imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
BROAD = frozenset({"Exception", "BaseException"})
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)


@dataclass(frozen=True, slots=True)
class FunctionFigures:
    """One function or method; `name` is `module:Class.name`, `line` where its `def` stands."""

    name: str
    line: int
    lines: int
    parameters: int
    complexity: int
    unannotated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModuleFigures:
    """One file. The last three are lines at which something stands that the budget forbids."""

    name: str
    path: Path
    lines: int
    code: int
    functions: tuple[FunctionFigures, ...]
    imports: frozenset[str]
    silent: tuple[int, ...]
    globals: tuple[int, ...]
    prints: tuple[int, ...]


def measure(root: Path) -> list[ModuleFigures]:
    """The figures of every file under the package or folder `root`.

    Raises SyntaxError where a file does not parse.
    """
    names = {path: module_name(path, root) for path in sorted(root.rglob("*.py"))}
    known = frozenset(names.values())
    return [measure_file(path, name, known) for path, name in names.items()]


def module_name(path: Path, root: Path) -> str:
    """`glmgate.wire.sse` for `src/glmgate/wire/sse.py` under `src/glmgate`."""
    parts = (root.resolve().name, *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def measure_file(path: Path, name: str, known: frozenset[str]) -> ModuleFigures:
    """The figures of one file; `known` are the modules that count as imports of our own."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, filename=str(path))
    nodes = list(ast.walk(tree))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    targets = {target for node in imports_of(tree) for target in named_by(node, package, known)}
    return ModuleFigures(
        name=name,
        path=path,
        lines=len(text.splitlines()),
        code=code_lines(text, nodes),
        functions=tuple(functions_of(tree, f"{name}:", in_class=False)),
        imports=frozenset(targets - {name}),
        silent=silent_lines(nodes),
        globals=tuple(sorted(node.lineno for node in nodes if isinstance(node, ast.Global))),
        prints=print_lines(nodes),
    )


def code_lines(text: str, nodes: list[ast.AST]) -> int:
    """Lines that hold neither nothing, nor a comment, nor a docstring."""
    documented = {line for node in nodes for line in docstring_lines(node)}
    lines = enumerate(text.splitlines(), start=1)
    return sum(number not in documented and line.strip()[:1] not in {"", "#"} for number, line in lines)


def docstring_lines(node: ast.AST) -> range:
    """The lines of the docstring of a module, class or function; empty for everything else."""
    if not isinstance(node, ast.Module | ast.ClassDef | Function) or not node.body:
        return range(0)
    first = node.body[0]
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        return range(0)
    if not isinstance(first.value.value, str):
        return range(0)
    return range(first.lineno, (first.end_lineno or first.lineno) + 1)


def functions_of(node: ast.AST, prefix: str, *, in_class: bool) -> Iterator[FunctionFigures]:
    """Every function under `node`, those inside of functions and classes too; overloads repeat one and are left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from functions_of(child, f"{prefix}{child.name}.", in_class=True)
        elif isinstance(child, Function):
            if not is_overload(child):
                yield function_figures(child, prefix, in_class=in_class)
            yield from functions_of(child, f"{prefix}{child.name}.", in_class=False)
        else:
            yield from functions_of(child, prefix, in_class=in_class)


def function_figures(node: Function, prefix: str, *, in_class: bool) -> FunctionFigures:
    """The figures of one function: lines without its docstring, parameters without `self` and `cls`."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    if in_class and arguments and "staticmethod" not in decorators(node):
        arguments = arguments[1:]
    starred = [argument for argument in (node.args.vararg, node.args.kwarg) if argument]
    missing = [argument.arg for argument in (*arguments, *starred) if argument.annotation is None]
    if node.returns is None:
        missing.append("return")
    return FunctionFigures(
        name=f"{prefix}{node.name}",
        line=node.lineno,
        lines=(node.end_lineno or node.lineno) - node.lineno + 1 - len(docstring_lines(node)),
        parameters=len(arguments),
        complexity=complexity(node),
        unannotated=tuple(missing),
    )


def decorators(node: Function) -> set[str]:
    """Last names of the decorators: `overload` for `@typing.overload`."""
    return {last_name(decorator) for decorator in node.decorator_list}


def last_name(node: ast.expr) -> str:
    """`c` of `a.b.c` and of `a.b.c(1)`."""
    return ast.unparse(node).partition("(")[0].rpartition(".")[2]


def is_overload(node: Function) -> bool:
    """Whether this is one of several signatures of a function that follows."""
    return "overload" in decorators(node)


def complexity(function: Function) -> int:
    """McCabe's count of ways through a function; a nested one counts with the one around it."""
    total = 1
    for node in ast.walk(function):
        if isinstance(node, BRANCHES):
            total += 1
        elif isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            total += 1 + len(node.ifs)
    return total


def silent_lines(nodes: list[ast.AST]) -> tuple[int, ...]:
    """Lines where every error is caught and nobody is told: nothing is raised, called or made of the error."""
    handlers = [node.lineno for node in nodes if isinstance(node, ast.ExceptHandler) and is_silent(node)]
    suppressed = [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Call) and last_name(node.func) == "suppress" and any(map(is_broad, node.args))
    ]
    return tuple(sorted(handlers + suppressed))


def is_silent(handler: ast.ExceptHandler) -> bool:
    """Whether this catches everything and does nothing with it."""
    inside = [node for each in handler.body for node in ast.walk(each)]
    used = any(isinstance(node, ast.Name) and node.id == handler.name for node in inside)
    return is_broad(handler.type) and not used and not any(isinstance(node, ast.Raise | ast.Call) for node in inside)


def print_lines(nodes: list[ast.AST]) -> tuple[int, ...]:
    """Lines that call the built-in `print`."""
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return tuple(sorted(call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"))


def is_broad(caught: ast.expr | None) -> bool:
    """Whether `except <caught>` catches everything."""
    if caught is None:
        return True
    each = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in BROAD for name in each)


def imports_of(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import that can run, those inside of functions too, but not those for type checkers alone."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node
    for child in run_time_children(node):
        yield from imports_of(child)


def run_time_children(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below, without what stands under `if TYPE_CHECKING:`."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        yield from node.orelse
    else:
        yield from ast.iter_child_nodes(node)


def named_by(node: ast.Import | ast.ImportFrom, package: str, known: frozenset[str]) -> set[str]:
    """The known modules that an import in `package` names: submodules where they are meant, else the module itself."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & known
    base = node.module or ""
    if node.level:
        parent = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*parent, base] if base else parent)
    submodules = {f"{base}.{alias.name}" for alias in node.names} & known
    return submodules if len(submodules) == len(node.names) else submodules | ({base} & known)


def cycles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Groups of modules each of which imports every other of its group by some way, the largest first."""
    reached = {name: reachable(graph, name) for name in graph}
    groups = {
        frozenset({name, *(other for other in reached[name] if name in reached[other])})
        for name in graph
        if name in reached[name]
    }
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group))


def reachable(graph: Mapping[str, frozenset[str]], start: str) -> frozenset[str]:
    """What `start` imports by one step or more."""
    seen: set[str] = set()
    work = list(graph[start])
    while work:
        name = work.pop()
        if name not in seen:
            seen.add(name)
            work.extend(graph.get(name, ()))
    return frozenset(seen)
