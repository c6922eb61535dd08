"""The Response object that a client sees, against what others say that it is."""

import json

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openai.types.responses import Response
from referencing import Registry, Resource

from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.openai_responses.answers import write_answer
from kilo_gateway.dialects.openai_responses.response import begun, ended, stem_of
from tests.dialects.openai_responses.recorded import SPECS, answer_of, answers, needs_recordings

SPEC = SPECS / "openresponses" / "openapi" / "2026-04-24.json"


def validator(name: str) -> Draft202012Validator:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    resource = Resource.from_contents(dialect | json.loads(SPEC.read_text()))
    registry = Registry().with_resource("urn:spec", resource)
    return Draft202012Validator({"$ref": f"urn:spec#/components/schemas/{name}"}, registry=registry)


def shown(request: dict) -> Shown:
    fields = read_fields(json.dumps(request).encode())
    return Shown("req_0123", "some/model", 1_760_000_000, request=fields)


# What the specification has no place for: tools and items that OpenAI alone runs, and its citations of files.
ONLY_OPENAI = ("tools", "output", "tool_choice")


@needs_recordings
@pytest.mark.skipif(not SPEC.exists(), reason="the specifications are not beside this checkout")
def test_every_answer_is_as_the_open_specification_has_it():
    validate = validator("ResponseResource")
    for one in answers():
        request = dict(one.request or {})
        request.pop("text", None)  # the specification takes no schema back
        request.pop("reasoning", None)  # nor an effort that is newer than it is
        body = json.loads(write_answer(answer_of(one), shown(request)))
        wrong = [
            error
            for error in validate.iter_errors(body)
            if error.absolute_path[0] not in ONLY_OPENAI
            or _is_shared(body[error.absolute_path[0]], list(error.absolute_path))
        ]
        assert not wrong, (one.id, wrong[0].message[:200], list(wrong[0].absolute_path))


def _is_shared(value, path) -> bool:
    """Whether an error is in a part that all servers share."""
    if path[0] == "tool_choice" or len(path) < 2:
        return False
    item = value[path[1]]
    annotated = any(part.get("annotations") for part in item.get("content") or [])
    shared = {"message", "function_call", "reasoning", "function"}
    return item["type"] in shared and not annotated and "function" not in item


@needs_recordings
def test_every_answer_is_what_the_sdk_takes():
    count = 0
    for one in answers():
        if one.provider == "xai":  # whose own tools the SDK does not know
            continue
        Response.model_validate(json.loads(write_answer(answer_of(one), shown(one.request or {}))))
        count += 1
    assert count > 650


def test_what_was_asked_is_repeated_in_full():
    response = begun(
        shown(
            {
                "instructions": "Be brief.",
                "temperature": 0.5,
                "reasoning": {"effort": "low"},
                "text": {
                    "format": {"type": "json_schema", "name": "n", "schema": {}},
                    "verbosity": "low",
                },
                "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
                "metadata": {"a": "b"},
                "store": True,
                "max_output_tokens": None,
            }
        )
    )
    told = json.loads(msgspec.json.encode(response))
    assert told["instructions"] == "Be brief."
    assert told["temperature"] == 0.5
    assert told["reasoning"] == {"effort": "low", "summary": None}
    assert told["text"]["format"] == {
        "type": "json_schema",
        "name": "n",
        "schema": {},
        "description": None,
        "strict": None,
    }
    assert told["text"]["verbosity"] == "low"
    assert told["tools"][0] == {
        "type": "function",
        "name": "f",
        "description": None,
        "parameters": None,
        "strict": True,
    }
    assert told["metadata"] == {"a": "b"}
    assert told["store"] is False
    assert told["status"] == "in_progress"


def test_a_request_of_other_types_is_repeated_as_it_came():
    response = begun(shown({"tools": 1, "text": 2, "reasoning": []}))
    told = json.loads(msgspec.json.encode(response))
    assert (told["tools"], told["text"], told["reasoning"]) == (1, 2, [])


def test_the_end():
    response = begun(shown({}))
    status, told = ended(response, "length", None)
    assert (status, told["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert ended(response, None, None)[0] == "completed"
    assert stem_of("req_1") == "1"
