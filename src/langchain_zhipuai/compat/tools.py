"""A `@tool` for functions whose defaults are `pydantic.v1.Field`, which LangChain's own does not understand.

LangChain's would take the Field for the default value: the description is lost, the argument becomes optional, and the
function is called with the Field itself. Here such Fields are translated first; everything else is LangChain's.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

from langchain_core.runnables import Runnable
from langchain_core.tools import tool as langchain_tool
from pydantic.fields import FieldInfo
from pydantic.v1 import BaseModel as BaseModelV1
from pydantic.v1.fields import FieldInfo as FieldInfoV1

from langchain_zhipuai.compat.fields import default_of, translated

AnyFunction = Callable[..., Any]


def tool(*args: Any, **kwargs: Any) -> Any:
    """LangChain's `tool`, with the same arguments: as a decorator, with a name, or for a Runnable."""
    if args and inspect.isfunction(args[0]):
        return langchain_tool(understood(args[0]), *args[1:], **kwargs)
    made = langchain_tool(*args, **kwargs)
    if not callable(made) or isinstance(made, Runnable):
        return made

    def decorate(function: AnyFunction | Runnable[Any, Any]) -> Any:
        return made(function if isinstance(function, Runnable) else understood(function))

    return decorate


def understood(function: AnyFunction) -> AnyFunction:
    """The function with its `pydantic.v1.Field` defaults as today's; the same function where it has none."""
    if not any(isinstance(each.default, FieldInfoV1) for each in inspect.signature(function).parameters.values()):
        return function
    signature = inspect.signature(function, eval_str=True)
    given = signature.parameters.values()
    if any(_is_v1_model(each.annotation) for each in given):
        return function  # LangChain takes the signature of a function with models of v1 in it as one of v1
    parameters = [_today(each) for each in given]
    fields = {each.name: each.default for each, old in zip(parameters, given, strict=True) if each is not old}
    made = _wrapped(function, fields)
    today = signature.replace(parameters=parameters)
    made.__annotations__ = dict(_annotations(today))
    cast("Any", made).__signature__ = today
    return made


def _annotations(signature: inspect.Signature) -> Iterator[tuple[str, Any]]:
    for parameter in signature.parameters.values():
        if parameter.annotation is not parameter.empty:
            yield parameter.name, parameter.annotation
    if signature.return_annotation is not signature.empty:
        yield "return", signature.return_annotation


def _today(parameter: inspect.Parameter) -> inspect.Parameter:
    if not isinstance(parameter.default, FieldInfoV1):
        return parameter
    annotation, default = translated(parameter.default, parameter.annotation)
    return parameter.replace(annotation=annotation, default=default)


def _is_v1_model(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, BaseModelV1)


def _wrapped(function: AnyFunction, fields: dict[str, FieldInfo]) -> AnyFunction:
    """The function, called with real values where a call leaves out a parameter whose default is a Field."""
    plain = inspect.signature(function)

    def filled(args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        bound = plain.bind(*args, **kwargs)
        for name, field in fields.items():
            if name not in bound.arguments:
                bound.arguments[name] = default_of(field, name)
        return bound

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            bound = filled(args, kwargs)
            return await cast("Awaitable[Any]", function(*bound.args, **bound.kwargs))

        return awaited

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        bound = filled(args, kwargs)
        return function(*bound.args, **bound.kwargs)

    return called
