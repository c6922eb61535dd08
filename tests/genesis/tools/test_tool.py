"""A tool as a model sees it, and the calls that models write."""

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from genesis.core.message import TextBlock
from genesis.tools.tool import Tool, ToolResult
from genesis.tools.toolbox import TOOLS
from genesis.tools.workspace import ToolError


class Greet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(description="Who.")]
    times: Annotated[int, Meta(ge=1)] = 1


GREET = Tool("greet", "Say hello.", "reads", Greet)


def test_its_schema_says_what_a_call_takes():
    spec = GREET.spec()
    assert (spec.name, spec.description) == ("greet", "Say hello.")
    assert spec.parameters["type"] == "object"
    assert spec.parameters["required"] == ["name"]
    assert spec.parameters["properties"]["name"] == {"type": "string", "description": "Who."}
    assert spec.parameters["additionalProperties"] is False


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
def test_every_tool_of_ours_has_a_schema_without_references(tool):
    text = msgspec.json.encode(tool.spec().parameters)
    assert b"$ref" not in text
    assert b'"description"' in text


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        ('{"name":"Ada"}', Greet("Ada")),
        ('{"name":"Ada","times":"2"}', Greet("Ada", 2)),  # models write numbers as texts
    ],
)
def test_a_call_is_read(arguments, call):
    assert GREET.parse(arguments) == call


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("", "not usable: Object missing required field `name`"),
        ('{"name":"Ada","times":0}', "not usable"),
        ('{"name":"Ada","extra":1}', "not usable: Object contains unknown field `extra`"),
        ('{"name":', "are no JSON object"),
        ("[]", "not usable"),
    ],
)
def test_a_call_that_is_none_tells_the_model_why(arguments, why):
    with pytest.raises(ToolError, match=why) as caught:
        GREET.parse(arguments)
    assert caught.value.message.startswith("The arguments of greet ")


def test_a_result_may_be_one_text():
    assert ToolResult.of("a") == ToolResult((TextBlock("a"),))
    assert ToolResult.of("a", is_error=True).is_error
