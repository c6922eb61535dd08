"""What the type of a setting may hold: a section, a map, a list, or a plain value. For checking and for documentation."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, UnsetType

from genesis.config.section import SecretSetting, Section
from genesis.core.secret import Secret

_WORDS: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    Secret: "text",
    SecretSetting: "text or {source, id}",
    Any: "anything",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a section; `default` is msgspec.NODEFAULT where the file must give it."""

    name: str
    kind: Any
    default: Any
    meaning: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What a setting may hold: the section, the kind of a map's or a list's items; and the plain kinds beside them."""

    section: type[Section] | None = None
    map_of: Any = None
    list_of: Any = None
    plain: tuple[Any, ...] = ()


def fields_of(section: type[Section]) -> Iterator[Field]:
    """The keys of a section, as they are written in the file."""
    for field in msgspec.structs.fields(section):
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        yield Field(field.encode_name, field.type, default, meaning_of(field.type))


def shape_of(kind: Any) -> Shape:
    """The shape of a type."""
    section, map_of, list_of = None, None, None
    plain: list[Any] = []
    for arm in _arms(kind):
        bare = _bare(arm)
        if isinstance(bare, type) and issubclass(bare, Section):
            section = bare
        elif get_origin(bare) is dict:
            map_of = get_args(bare)[1]
        elif get_origin(bare) is tuple:
            list_of = get_args(bare)[0]
        else:
            plain.append(arm)
    return Shape(section, map_of, list_of, tuple(plain))


def meaning_of(kind: Any) -> str:
    """The sentence of a setting."""
    notes = (note for note in get_args(kind)[1:] if isinstance(note, Meta))
    return next((note.description for note in notes if note.description), "")


def words_of(kind: Any) -> str:
    """What may be written there, for people."""
    shape = shape_of(kind)
    words = [_plain_words(arm) for arm in shape.plain if arm is not NoneType]
    if shape.section is not None:
        words.append("section")
    if shape.map_of is not None:
        words.append(f"map of {words_of(shape.map_of)}")
    if shape.list_of is not None:
        words.append(f"list of {words_of(shape.list_of)}")
    return " or ".join(words)


def choices_of(kind: Any) -> tuple[str, ...]:
    """The words that may be written there, if it takes only some."""
    plain = (_bare(arm) for arm in shape_of(kind).plain)
    return tuple(word for arm in plain if get_origin(arm) is Literal for word in get_args(arm))


def _plain_words(kind: Any) -> str:
    bare = _bare(kind)
    if get_origin(bare) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(bare))
    return _WORDS.get(bare, str(bare))


def _arms(kind: Any) -> Iterator[Any]:
    bare = _bare(kind)
    if get_origin(bare) in {Union, UnionType}:
        for arm in get_args(bare):
            if arm is not UnsetType:
                yield from _arms(arm)
    elif get_origin(bare) in {dict, tuple}:
        yield bare
    else:
        yield kind


def _bare(kind: Any) -> Any:
    return _bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind
