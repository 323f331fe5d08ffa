"""A `pydantic.v1.Field` as today's: default, description and constraints, with the meaning that they had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator
from pydantic.fields import Field, FieldInfo
from pydantic.v1.fields import FieldInfo as FieldInfoV1
from pydantic.v1.fields import Undefined

SAME: Final = ("gt", "ge", "lt", "le", "multiple_of", "allow_inf_nan", "max_digits", "decimal_places")
SIZES: Final[Mapping[str, str]] = {
    "min_length": "min_length",
    "max_length": "max_length",
    "min_items": "min_length",
    "max_items": "max_length",
}
"""What v1 said of texts and of lists, for which today has the same words."""


def translated(field: FieldInfoV1, annotation: Any) -> tuple[Any, FieldInfo]:
    """The annotation and the Field of today that mean what a Field of v1 meant beside its annotation."""
    made = Field(
        description=field.description,
        title=field.title,
        alias=field.alias,
        **_constraints(field),
        **_default(field, annotation),
    )
    if field.const:
        annotation = Literal[field.default]
    if field.unique_items:
        annotation = Annotated[annotation, AfterValidator(_unique)]
    return annotation, made


def _constraints(field: FieldInfoV1) -> dict[str, Any]:
    words = [*((name, name) for name in SAME), *SIZES.items()]
    given = {new: getattr(field, old) for old, new in words if getattr(field, old) is not None}
    # v1 matched from the beginning, today's searches anywhere
    return given if field.regex is None else given | {"pattern": f"^(?:{field.regex})"}


def _default(field: FieldInfoV1, annotation: Any) -> dict[str, Any]:
    """In v1 what may be None and has no default is None; `...` made it required all the same."""
    if field.default_factory is not None:
        return {"default_factory": field.default_factory}
    if field.default is Undefined:
        return {"default": None} if type(None) in get_args(annotation) else {}
    return {} if field.default is ... else {"default": field.default}


def default_of(field: FieldInfo, name: str) -> Any:
    """The value of a parameter that a call leaves out. Raises TypeError where it is required."""
    if field.is_required():
        raise TypeError(f"missing the argument {name!r}, which its Field has no default for")
    return field.get_default(call_default_factory=True, validated_data={})


def _unique(items: Sequence[Any]) -> Sequence[Any]:
    if any(item in items[:place] for place, item in enumerate(items)):
        raise ValueError("the list has duplicated items")
    return items
