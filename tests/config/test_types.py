"""Annotated types are read apart."""

from typing import Annotated

from msgspec import Meta

from kilo_gateway.config.schema import ServerSettings, UpstreamSettings
from kilo_gateway.config.types import core, hints, is_struct, members, metas

HINT = Annotated[Annotated[int, Meta(ge=1)] | list[str] | None, Meta(description="x")]


def test_none_is_no_member_of_a_union() -> None:
    assert [core(member) for member in members(HINT)] == [int, list[str]]


def test_a_type_alone_is_its_only_member() -> None:
    assert members(int) == (int,)


def test_metas_are_found_outside_and_inside_of_a_union() -> None:
    assert [meta.ge or meta.description for meta in metas(HINT)] == ["x", 1]


def test_structs_are_told_from_other_types() -> None:
    assert is_struct(ServerSettings)
    assert not is_struct(int)
    assert not is_struct(list[str])


def test_hints_keep_their_annotations() -> None:
    assert next(metas(hints(UpstreamSettings)["weight"])).ge == 1
