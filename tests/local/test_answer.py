"""What the simulator says."""

import msgspec
import pytest

from kilo_gateway.local.answer import GREETING, answer, count_tokens
from kilo_gateway.local.asked import Asked, read_asked
from kilo_gateway.local.scenario import parse_scenario


def asked(**more: object) -> Asked:
    body = {"model": "m", "messages": [{"role": "user", "content": "one two three"}], **more}
    return read_asked(msgspec.json.encode(body), "messages")


def test_echo_repeats_the_user() -> None:
    said = answer(asked(), b"", parse_scenario("echo"))
    assert "".join(said.text) == "You said: one two three"
    assert (said.prompt_tokens, said.completion_tokens, said.finish) == (3, 5, "stop")


def test_an_empty_message_is_greeted() -> None:
    said = answer(asked(messages=[{"role": "user", "content": " "}]), b"", parse_scenario("echo"))
    assert "".join(said.text) == GREETING


@pytest.mark.parametrize("count", [0, 1, 7, 500])
def test_tokens_are_as_many_as_asked(count: int) -> None:
    said = answer(asked(), b"", parse_scenario(f"lorem-tokens-{count}"))
    assert (len(said.text), said.completion_tokens, said.finish) == (count, count, "stop")


def test_max_tokens_cuts_reasoning_and_text_together() -> None:
    said = answer(asked(max_tokens=6), b"", parse_scenario("reasoning-4-tokens-50"))
    assert (len(said.reasoning), len(said.text), said.finish) == (4, 2, "length")


def test_a_filtered_answer_says_so() -> None:
    assert answer(asked(), b"", parse_scenario("filter")).finish == "content_filter"


def test_the_same_body_gives_the_same_answer_and_another_body_another_id() -> None:
    scenario = parse_scenario("echo")
    assert answer(asked(), b"x", scenario) == answer(asked(), b"x", scenario)
    assert answer(asked(), b"x", scenario).id != answer(asked(), b"y", scenario).id


def test_a_tool_call_fits_the_schema() -> None:
    members = {
        "city": {"type": "string"},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": ["integer", "null"]},
        "exact": {"type": "boolean"},
        "share": {"type": "number"},
        "tags": {"type": "array"},
        "place": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        "optional": {"type": "string"},
        "odd": True,
    }
    schema = {"type": "object", "properties": members, "required": [*[*members][:7], "odd"]}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
    said = answer(asked(tools=tools), b"", parse_scenario("tool"))
    assert said.tool_call is not None
    assert said.finish == "tool_calls"
    assert msgspec.json.decode("".join(said.tool_call.arguments)) == {
        "city": "one two three",
        "unit": "C",
        "days": 1,
        "exact": True,
        "share": 1.5,
        "tags": [],
        "place": {"x": 1},
        "odd": None,
    }


@pytest.mark.parametrize("parameters", [None, {}, {"type": "string"}, {"required": ["a"]}])
def test_a_tool_without_parameters_is_called_with_an_empty_object(parameters: object) -> None:
    tools = [{"function": {"name": "now", "parameters": parameters}}]
    said = answer(asked(tools=tools), b"", parse_scenario("tool"))
    assert said.tool_call is not None
    assert "".join(said.tool_call.arguments) == "{}"


def test_without_tools_the_tool_scenario_talks() -> None:
    assert answer(asked(), b"", parse_scenario("tool")).text


def test_a_prompt_has_at_least_one_token() -> None:
    assert count_tokens([]) == 1
