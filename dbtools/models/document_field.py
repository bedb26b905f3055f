"""A JSON column with a shape: typed for mypy, and completed when an old row is read."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from django.db import models

T = TypeVar("T")


class UnreadableDocument(Exception):
    """A stored document contains a value of another type; `str()` says which, and where."""


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
        if getattr(expression, "target", None) is not self:  # a single key of it
            return stored
        if stored is None:  # an outer join without a row
            return _empty(self.shape)
        return conform(self.shape, stored, f"{self.model._meta.verbose_name}, {self.name}")


def conform(shape: Any, value: Any, at: str = "it") -> Any:
    """The value in this shape, so that no reader fails over what an older version has written.

    Missing keys, and those that are null, get empty values; unknown keys are kept. Nothing else is replaced
    or left out: a shorter list would run fewer statements, or let pass what a check has stopped.

    Args:
        at: what the value is called in the error, such as "sql_analysis".

    Raises:
        UnreadableDocument: a value in it has another type.
    """
    if not _fits(shape, value):
        raise UnreadableDocument(f"{at} is {value!r:.80}, where {_name(shape)} belongs.")
    arguments = get_args(shape)
    if is_typeddict(shape):
        return _conform_typed_dict(shape, value, at)
    if get_origin(shape) is list:
        return [conform(arguments[0], item, f"{at}[{number}]") for number, item in enumerate(value)]
    if get_origin(shape) is dict:
        return {key: conform(arguments[1], item, f"{at}.{key}") for key, item in value.items()}
    if get_origin(shape) in (Union, UnionType) and value is not None:
        return conform(next(argument for argument in arguments if argument is not NoneType), value, at)
    return value


def _conform_typed_dict(shape: Any, value: dict[str, Any], at: str) -> dict[str, Any]:
    shapes = get_type_hints(shape)
    unknown = {key: item for key, item in value.items() if key not in shapes}
    required = {key: _empty(shapes[key]) for key in shape.__required_keys__}
    known = {
        key: conform(shapes[key], item, f"{at}.{key}")
        for key, item in value.items()
        if key in shapes and item is not None
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
    return _conform_typed_dict(shape, {}, "") if is_typeddict(shape) else (get_origin(shape) or shape)()


def _name(shape: Any) -> str:
    return shape.__name__ if isinstance(shape, type) else str(shape)
