"""The tools as a model sees them."""

import pytest

from genesis.tools.toolbox import TOOLS, offered
from genesis.tools.workspace import ToolError


def test_each_schema_is_a_plain_object() -> None:
    for spec in offered("coding"):
        assert spec.parameters["type"] == "object"
        assert "$ref" not in str(spec.parameters)
        assert all("description" in one for one in spec.parameters["properties"].values())


@pytest.mark.parametrize(
    ("profile", "read_only", "names"),
    [
        ("coding", False, ["read", "search", "edit", "write", "exec"]),
        ("full", False, ["read", "search", "edit", "write", "exec"]),
        ("minimal", False, ["read", "search"]),
        ("coding", True, ["read", "search"]),
    ],
)
def test_offered(profile: str, read_only: bool, names: list[str]) -> None:
    assert [spec.name for spec in offered(profile, is_read_only=read_only)] == names


def test_arguments_are_read_leniently_but_no_others_taken() -> None:
    assert TOOLS["read"].parse('{"path":"a","offset":"3"}').offset == 3
    with pytest.raises(ToolError, match="unknown field `lines`"):
        TOOLS["read"].parse('{"path":"a","lines":3}')
