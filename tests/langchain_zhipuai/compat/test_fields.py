"""A Field of pydantic.v1 means the same as today's that is made of it."""

from __future__ import annotations

import decimal
from typing import Any

import pytest
from pydantic import ValidationError, create_model
from pydantic.v1 import Field as FieldV1
from pydantic.v1 import ValidationError as ValidationErrorV1
from pydantic.v1 import create_model as create_model_v1
from pydantic.v1.fields import FieldInfo as FieldInfoV1

from langchain_zhipuai.compat.fields import default_of, translated

MISSING = object()


def made(annotation: Any, field: FieldInfoV1) -> Any:
    """A model of today with the field."""
    today, default = translated(field, annotation)
    return create_model("Model", x=(today, default))


def accepts(model: Any, value: Any, refusal: type[Exception]) -> bool:
    """Whether a model takes a value, or its absence."""
    try:
        model(**({} if value is MISSING else {"x": value}))
    except refusal:
        return False
    return True


FIELDS: list[tuple[Any, FieldInfoV1]] = [
    (str, FieldV1(description="text")),
    (str, FieldV1(..., description="text")),
    (str, FieldV1("default")),
    (str | None, FieldV1(description="text")),
    (str | None, FieldV1(...)),
    (str | None, FieldV1(None)),
    (str, FieldV1(default_factory=str)),
    (str, FieldV1(..., min_length=2, max_length=3)),
    (str, FieldV1(..., regex="b+")),
    (int, FieldV1(..., gt=1, lt=4)),
    (int, FieldV1(..., ge=1, le=4, multiple_of=2)),
    (int | None, FieldV1(gt=1)),
    (float, FieldV1(..., allow_inf_nan=False)),
    (decimal.Decimal, FieldV1(..., max_digits=3, decimal_places=1)),
    (list[int], FieldV1(..., min_items=1, max_items=2)),
    (list[int], FieldV1(..., unique_items=True)),
    (list[int], FieldV1(default_factory=list)),
    (str, FieldV1("fixed", const=True)),
]
VALUES = [
    *(MISSING, None, "", "a", "bb", "bbbb", "abb", "fixed", 0, 1, 2, 3, 4, 5, float("nan"), 1.5, -0.5),
    *([], [1], [1, 1], [1, 2, 3], decimal.Decimal("1.25"), decimal.Decimal("12.5"), decimal.Decimal(1234)),
]


@pytest.mark.parametrize(("annotation", "field"), FIELDS, ids=lambda value: repr(value)[:60])
def test_the_same_values_are_taken(annotation: Any, field: FieldInfoV1) -> None:
    """As v1 itself judges them, for values of the field's own type: what v1 would convert is left aside."""
    old, new = create_model_v1("Old", x=(annotation, field)), made(annotation, field)
    kinds: tuple[type, ...] = tuple(
        kind for kind in (str, int, float, decimal.Decimal, list) if kind.__name__ in repr(annotation)
    )
    own = [value for value in VALUES if value is MISSING or value is None or type(value) in kinds]
    assert len(own) > 3
    for value in own:
        assert accepts(new, value, ValidationError) == accepts(old, value, ValidationErrorV1), value


def test_words_are_kept() -> None:
    """Description, title and alias."""
    _, field = translated(FieldV1(..., description="what", title="Title", alias="y"), str)
    assert (field.description, field.title, field.alias) == ("what", "Title", "y")


def test_defaults() -> None:
    """A value, what a factory makes, None where nothing was said of what may be None; else the argument is missed."""
    assert default_of(translated(FieldV1("a"), str)[1], "x") == "a"
    factory = translated(FieldV1(default_factory=list), list[int])[1]
    assert default_of(factory, "x") == []
    assert default_of(factory, "x") is not default_of(factory, "x")
    assert default_of(translated(FieldV1(), str | None)[1], "x") is None
    with pytest.raises(TypeError, match="missing the argument 'x'"):
        default_of(translated(FieldV1(), str)[1], "x")
