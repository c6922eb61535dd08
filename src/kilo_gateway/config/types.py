"""Reads the annotated types of the schema: what is inside an Annotated, a union, a struct."""

from collections.abc import Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec


@cache
def hints(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Field name -> annotated type of one struct of the schema."""
    return get_type_hints(struct, include_extras=True)


def members(hint: Any) -> tuple[Any, ...]:
    """The members of a union without None; the type itself otherwise."""
    kind = core(hint)
    if get_origin(kind) in {Union, UnionType}:
        return tuple(member for member in get_args(kind) if member is not NoneType)
    return (hint,)


def core(hint: Any) -> Any:
    """The type without its annotations."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint


def metas(hint: Any) -> Iterator[msgspec.Meta]:
    """Every Meta on a type and on the members of its union."""
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        yield from (extra for extra in extras if isinstance(extra, msgspec.Meta))
        yield from metas(inner)
    elif get_origin(hint) in {Union, UnionType}:
        for member in get_args(hint):
            yield from metas(member)


def is_struct(kind: Any) -> bool:
    """Whether a type (without annotations) is a table of the schema."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
