"""The identity path: what is looked at, and what goes upstream."""

import json

import pytest

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.gemini.requests import is_array, outbound, path, peek
from tests.dialects.gemini.wire import fields

TURN = [{"role": "user", "parts": [{"text": "hi"}]}]


@pytest.mark.parametrize(
    ("operation", "model", "is_stream", "expected"),
    [
        ("chat", "gemini-3-pro", False, "/models/gemini-3-pro:generateContent"),
        ("chat", "models/gemini-3-pro", True, "/models/gemini-3-pro:streamGenerateContent?alt=sse"),
        ("count_tokens", "m", False, "/models/m:countTokens"),
        ("embeddings", "m", False, "/models/m:batchEmbedContents"),
        (
            "chat",
            "publishers/google/models/m",
            False,
            "/publishers/google/models/m:generateContent",
        ),
        ("chat", "odd name?x", False, "/models/odd%20name%3Fx:generateContent"),
    ],
)
def test_the_path_names_model_and_verb(operation, model, is_stream, expected) -> None:
    assert path(operation, model, is_stream=is_stream) == expected


def test_the_envelope_is_read() -> None:
    asked = fields(
        model="models/a/b", stream=True, contents=TURN, generation_config={"max_output_tokens": 7}
    )
    envelope = peek("chat", asked)
    assert (envelope.model, envelope.stream, envelope.max_tokens) == ("a/b", True, 7)
    assert is_array(asked)
    assert not is_array(asked | fields(alt="sse"))


@pytest.mark.parametrize(
    ("members", "kind", "param"),
    [
        ({"contents": TURN}, Kind.MODEL_NOT_FOUND, "model"),
        ({"model": "m"}, Kind.INVALID_REQUEST, "contents"),
        ({"model": "m", "contents": 5}, Kind.INVALID_REQUEST, "contents"),
        ({"model": "m", "contents": TURN, "generationConfig": {"maxOutputTokens": -1}}, Kind.INVALID_REQUEST,
         "generationConfig.maxOutputTokens"),
        ({"model": "m", "contents": TURN, "generationConfig": []}, Kind.INVALID_REQUEST, "generationConfig"),
    ],
)  # fmt: skip
def test_what_no_upstream_would_take_is_refused(members, kind, param) -> None:
    with pytest.raises(Fault) as caught:
        peek("chat", fields(**members))
    assert (caught.value.kind, caught.value.param) == (kind, param)


def test_members_of_the_url_stay_here() -> None:
    asked = fields(model="m", stream=True, alt="sse", contents=TURN, newMember={"a": 1})
    call = Call("c", "gemini", "chat", "m", asked, 1, True, 0.0, 0.0)
    body = json.loads(outbound(call, Deployment("u", "m", "real", "gemini"), frozenset()))
    assert body == {"contents": TURN, "newMember": {"a": 1}}


def test_counting_repeats_the_model_inside() -> None:
    asked = fields(model="m", generateContentRequest={"model": "models/m", "contents": TURN})
    call = Call("c", "gemini", "count_tokens", "m", asked, 1, False, 0.0, 0.0)
    body = json.loads(outbound(call, Deployment("u", "m", "real", "gemini"), frozenset()))
    assert body == {"generateContentRequest": {"model": "models/real", "contents": TURN}}
