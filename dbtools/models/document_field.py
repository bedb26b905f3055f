"""A JSON column with a shape: typed for mypy, and completed when an old row is read."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from django.db import models

T = TypeVar("T")


def document(shape: type[T], **options: Any) -> models.Field[T, T]:
    """A JSON column of this shape: a TypedDict, a list or a dict. It is empty until something is written."""
    default = list if get_origin(shape) is list else dict
    return cast("models.Field[T, T]", DocumentField(shape, **{"default": default, **options}))


class DocumentField(models.JSONField):
    """The column behind `document`."""

    def __init__(self, shape: Any, **options: Any) -> None:
        super().__init__(**options)
        self.shape = shape

    def deconstruct(self) -> Any:
        """For migrations this is a plain JSON column, so a changed shape needs none."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.JSONField", args, options

    def clone(self) -> DocumentField:
        _, _, _, options = self.deconstruct()
        return type(self)(self.shape, **options)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        stored = super().from_db_value(value, expression, connection)
        whole = getattr(expression, "target", None) is self  # not a single key of it
        return conform(self.shape, stored) if whole else stored


def conform(shape: Any, value: Any) -> Any:
    """The value in this shape, so that no reader fails over what an older version has written.

    Missing keys get empty values, a value of another type counts as missing, unknown keys are kept.
    """
    arguments = get_args(shape)
    if not _fits(shape, value):
        return _empty(shape)
    if is_typeddict(shape):
        return _conform_typed_dict(shape, value)
    if get_origin(shape) is list:
        return [conform(arguments[0], item) for item in value if _fits(arguments[0], item)]
    if get_origin(shape) is dict:
        return {key: conform(arguments[1], item) for key, item in value.items() if _fits(arguments[1], item)}
    if get_origin(shape) in (Union, UnionType) and value is not None:
        return conform(next(argument for argument in arguments if argument is not NoneType), value)
    return value


def _conform_typed_dict(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    shapes = get_type_hints(shape)
    unknown = {key: item for key, item in value.items() if key not in shapes}
    required = {key: _empty(shapes[key]) for key in shape.__required_keys__}
    known = {
        key: conform(shapes[key], item)
        for key, item in value.items()
        if key in shapes and _fits(shapes[key], item)
    }
    return {**unknown, **required, **known}


def _fits(shape: Any, value: Any) -> bool:
    """Whether the value has the outer type of the shape."""
    if shape is Any:
        return True
    if get_origin(shape) in (Union, UnionType):
        return any(_fits(argument, value) for argument in get_args(shape))
    if is_typeddict(shape):
        return isinstance(value, dict)
    if isinstance(value, bool):
        return shape is bool
    return isinstance(value, int | float if shape is float else get_origin(shape) or shape)


def _empty(shape: Any) -> Any:
    """What stands for a missing value."""
    if shape is Any or get_origin(shape) in (Union, UnionType):
        return None
    return _conform_typed_dict(shape, {}) if is_typeddict(shape) else (get_origin(shape) or shape)()
