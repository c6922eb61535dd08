"""The path of a setting."""

import pytest

from genesis.config.setting_path import MISSING, found, join, put, remove, steps_of
from genesis.core.fault import GenesisError


def test_a_path_is_joined_and_read():
    path = join(join(join("a", "b.c") + "[0]", "d/e"), "x")
    assert path == 'a["b.c"][0].d/e.x'
    assert steps_of(path) == ["a", "b.c", 0, "d/e", "x"]
    assert steps_of("") == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", {"a": {"b.c": [{"d/e": 1}]}}),
        ('a["b.c"][0].d/e', 1),
        ('a["b.c"][1]', MISSING),
        ("a.x", MISSING),
        ("a[0]", MISSING),
        ('a["b.c"].x', MISSING),
    ],
)
def test_a_value_is_found(path, value):
    assert found({"a": {"b.c": [{"d/e": 1}]}}, path) == value


@pytest.mark.parametrize(
    ("content", "path", "expected"),
    [
        ({}, "a.b.c", {"a": {"b": {"c": 9}}}),
        ({}, "a[0].b", {"a": [{"b": 9}]}),
        ({"a": [1]}, "a[1]", {"a": [1, 9]}),
        ({"a": [1]}, "a[0]", {"a": [9]}),
        ({"a": 1}, "a", {"a": 9}),
        ({}, "agents.models.kilocode/kilo/auto.alias", {"agents": {"models": {"kilocode/kilo/auto": {"alias": 9}}}}),
    ],
)  # fmt: skip
def test_a_value_is_put(content, path, expected):
    put(content, path, 9)
    assert content == expected


@pytest.mark.parametrize(
    ("content", "path", "message"),
    [
        ({"a": "x"}, "a.b", "a.b cannot be set: what holds it in the file is not a section."),
        ({"a": []}, "a[3]", "a[3] cannot be set: what holds it in the file is not a list with an item before [3]."),
        ({"a": []}, "a.b", "a.b cannot be set: what holds it in the file is not a section."),
    ],
)  # fmt: skip
def test_what_is_in_the_way_is_said(content, path, message):
    with pytest.raises(GenesisError) as caught:
        put(content, path, 9)
    assert caught.value.message == message


def test_a_value_is_removed():
    content = {"a": {"b": 1, "c": [1, 2]}}
    assert remove(content, "a.b")
    assert remove(content, "a.c[0]")
    assert content == {"a": {"c": [2]}}
    assert not remove(content, "a.b")
    assert not remove(content, "x.y")
