"""Says in words what a setting wants and what was found instead."""

import datetime
import difflib
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

from msgspec import Meta

from kilo_gateway.config.types import core, is_struct, members, metas

_SHOWN_CHARACTERS = 60
_PLAIN: dict[Any, str] = {str: "text", bool: "true or false"}
_NUMBERS: dict[Any, str] = {int: "a whole number", float: "a number"}


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, "" if none is near."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def expected(hint: Any) -> str:
    """What a setting of this annotated type wants: "a whole number from 0 to 65535"."""
    return " or ".join(_one(member) for member in members(hint))


def found(value: Any, *, secret: bool) -> str:
    """What a value is: 'the text "abc"'. Of what may be a credential only the kind is told."""
    kind, shown = _kind(value), ""
    if isinstance(value, str):
        cut = value[:_SHOWN_CHARACTERS] + ("..." if len(value) > _SHOWN_CHARACTERS else "")
        shown = f'"{cut}"'
    elif isinstance(value, bool):
        shown = str(value).lower()
    elif isinstance(value, int | float):
        shown = str(value)
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if not shown or secret:
        return f"a {kind}"
    return f"the {kind} {shown}"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, int):
        return "whole number"
    if isinstance(value, float):
        return "number"
    if isinstance(value, datetime.date | datetime.time):
        return "date or time"
    return "text" if isinstance(value, str) else "table"


def _one(hint: Any) -> str:
    kind = core(hint)
    origin = get_origin(kind)
    if is_struct(kind) or origin is dict:
        return "a table"
    if origin is tuple:
        return _list(get_args(kind)[0], tuple(metas(hint)))
    if origin is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(kind) if choice)
    if kind in _NUMBERS:
        return _NUMBERS[kind] + _range(tuple(metas(hint)))
    return _PLAIN[kind] + _shape(tuple(metas(hint)))


def _list(item: Any, limits: tuple[Meta, ...]) -> str:
    if is_struct(core(item)):
        return "an array of tables (write its name in double brackets above each one)"
    words = f"a list of {expected(item)}s"
    for meta in limits:
        if meta.max_length is not None:
            words += f", {meta.min_length or 0} to {meta.max_length} of them"
    return words


def _range(limits: tuple[Meta, ...]) -> str:
    low = next((f"{meta.ge}" for meta in limits if meta.ge is not None), "")
    above = next((f"{meta.gt}" for meta in limits if meta.gt is not None), "")
    high = next((f"{meta.le}" for meta in limits if meta.le is not None), "")
    if above:
        return f" above {above}" + (f" and at most {high}" if high else "")
    return f" from {low} to {high}" if low and high else ""


def _shape(limits: tuple[Meta, ...]) -> str:
    shape = next(
        (meta.extra["shape"] for meta in limits if meta.extra and "shape" in meta.extra), ""
    )
    longest = next((meta.max_length for meta in limits if meta.max_length is not None), None)
    words = f" of {shape}" if shape else ""
    return words + (f", at most {longest} characters" if longest is not None else "")
