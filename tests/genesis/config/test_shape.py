"""What the type of a setting may hold, and how that is said."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, UnsetType

from genesis.config.section import SecretSetting, Section
from genesis.config.shape import choices_of, fields_of, meaning_of, shape_of, words_of


class Inner(Section, frozen=True):
    """A section."""


class Outer(Section, frozen=True):
    needed: Annotated[str, Meta(description="It is needed.")]
    with_default: int = 5
    made: dict[str, str] = msgspec.field(default_factory=dict)


def test_the_keys_of_a_section_as_they_are_written():
    assert [(field.name, field.default, field.meaning) for field in fields_of(Outer)] == [
        ("needed", msgspec.NODEFAULT, "It is needed."),
        ("withDefault", 5, ""),
        ("made", {}, ""),
    ]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (str, "text"),
        (bool | None, "true or false"),
        (Annotated[float, Meta(ge=0)] | UnsetType, "number"),
        (Literal["a", "b"], "`a`, `b`"),
        (SecretSetting | None, "text or {source, id}"),
        (tuple[str, ...], "list of text"),
        (dict[str, Inner], "map of section"),
        (str | Inner | None, "text or section"),
        (dict[str, Any], "map of anything"),
        (tuple[Literal["a"], ...] | UnsetType, "list of `a`"),
    ],
)
def test_what_may_be_written_is_said_in_words(kind, words):
    assert words_of(kind) == words


def test_a_shape_tells_sections_maps_and_lists_apart():
    shape = shape_of(Annotated[str | Inner | None, Meta(description="x")])
    assert (shape.section, shape.map_of, shape.list_of) == (Inner, None, None)
    assert shape_of(dict[str, int]).map_of is int
    assert shape_of(tuple[Inner, ...]).list_of is Inner


@pytest.mark.parametrize(
    ("kind", "choices"),
    [(Literal["a", "b"] | None, ("a", "b")), (str, ()), (dict[str, Literal["a"]], ())],
)
def test_the_words_that_a_setting_takes(kind, choices):
    assert choices_of(kind) == choices


def test_a_kind_without_a_description_has_no_meaning():
    assert meaning_of(Annotated[int, Meta(ge=0)]) == ""
    assert meaning_of(int) == ""
