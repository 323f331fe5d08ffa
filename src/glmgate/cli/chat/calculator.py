"""A calculator for models: arithmetic over Python's syntax tree, with bounds on size and time.

Nothing is ever given to `eval`; what is not in the tables below does not exist.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

Number = int | float

# With these bounds the dearest expression takes milliseconds (a chain of products of 4096-bit numbers).
_LONGEST: Final = 400
_DEEPEST: Final = 50
_MOST_BITS: Final = 4096

_WRITTEN: Final = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**", "（": "(", "）": ")"})
_NAMES: Final[Mapping[str, float]] = MappingProxyType({"pi": math.pi, "e": math.e, "tau": math.tau})
_FUNCTIONS: Final[Mapping[str, Callable[..., Number]]] = MappingProxyType(
    {
        **{name: getattr(math, name) for name in ("sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "exp")},
        **{name: getattr(math, name) for name in ("log", "log2", "log10", "floor", "ceil", "degrees", "radians")},
        "abs": abs,
        "min": min,
        "max": max,
    }
)
_UNARY: Final[Mapping[type[ast.unaryop], Callable[[Number], Number]]] = MappingProxyType(
    {ast.UAdd: operator.pos, ast.USub: operator.neg}
)


class CalculatorError(Exception):
    """What was asked for cannot be calculated; the message is for the model."""


def calculate(expression: str) -> str:
    """The value of an expression such as `2 * (3 + 4) ^ 2` or `sqrt(2)`, as text. CalculatorError, and nothing else."""
    if len(expression) > _LONGEST:
        raise CalculatorError(f"The expression has {len(expression)} characters, at most {_LONGEST}.")
    try:
        return _text(_value(_parsed(expression), 0))
    except ZeroDivisionError as exc:
        raise CalculatorError("Division by zero.") from exc
    except OverflowError as exc:
        raise CalculatorError("The result is too large.") from exc
    except (ValueError, TypeError) as exc:
        raise CalculatorError(f"This cannot be calculated: {exc}.") from exc


def _parsed(expression: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `1if` is a mistake of the model's and no concern of the user's
            return ast.parse(expression.translate(_WRITTEN).strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as exc:
        raise CalculatorError(f"This is no expression: {expression!r}.") from exc


def _value(node: ast.expr, depth: int) -> Number:
    if depth > _DEEPEST:
        raise CalculatorError("The expression is nested too deeply.")
    match node:
        case ast.Constant(value=int() | float() as number) if number is not True and number is not False:
            return _bounded(number)
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand, depth + 1))
        case ast.BinOp(left=left, op=op, right=right):
            return _bounded(_combined(op, _value(left, depth + 1), _value(right, depth + 1)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS and arguments:
            return _bounded(_FUNCTIONS[name](*(_value(argument, depth + 1) for argument in arguments)))
    known = ", ".join([*_NAMES, *_FUNCTIONS])
    raise CalculatorError(f"Only numbers, + - * / // % ^ and these names can be used: {known}.")


def _combined(op: ast.operator, left: Number, right: Number) -> Number:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.FloorDiv():
            return left // right
        case ast.Mod():
            return left % right
        case ast.Pow() | ast.BitXor():  # models write 2^10 as people do
            return _power(left, right)
        case _:
            raise CalculatorError(f"{type(op).__name__} is not an operation of this calculator.")


def _power(base: Number, exponent: Number) -> Number:
    # Asked before: what is bounded afterwards has been calculated already.
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(exponent) * max(int(base).bit_length(), 1) > _MOST_BITS and abs(base) > 1:
        raise CalculatorError("The result is too large.")
    result = base**exponent
    if isinstance(result, complex):
        raise CalculatorError("The result is not a real number.")
    assert isinstance(result, int | float)
    return result


def _bounded(number: Number) -> Number:
    if isinstance(number, int) and number.bit_length() > _MOST_BITS:
        raise CalculatorError("The result is too large.")
    if isinstance(number, float) and not math.isfinite(number):
        raise CalculatorError("The result is too large, or is no number.")
    return number


def _text(number: Number) -> str:
    if isinstance(number, int):
        return str(number)
    # 12 digits: 0.1 + 0.2 is 0.3 to who asks a model.
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.12g}"
