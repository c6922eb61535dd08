"""Gemini's form, of clients and of the vendor."""

import json

import msgspec
import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.embeddings.ask import EmbeddingAnswer
from kilo_gateway.dialects.embeddings.gemini import (
    GeminiClients,
    GeminiUpstream,
    batch,
    batch_of,
    unbatched,
)

CLIENTS, UPSTREAM = GeminiClients(), GeminiUpstream()


def fields(value):
    return read_fields(json.dumps({"model": "m"} | value).encode())


def content(*texts):
    return {"parts": [{"text": text} for text in texts]}


def test_one_content_is_one_text():
    ask = CLIENTS.read_ask(
        fields(
            {
                "content": content("a", "b"),
                "task_type": "RETRIEVAL_QUERY",
                "output_dimensionality": 8,
                "title": "t",
            }
        )
    )
    assert [bytes(one) for one in ask.inputs] == [b'"ab"']
    assert (ask.purpose, ask.dimensions, set(ask.extra)) == ("query", 8, {"title"})


def test_a_batch_is_many_texts():
    one = {"model": "models/m", "content": content("a"), "outputDimensionality": 8}
    ask = CLIENTS.read_ask(fields({"requests": [one, one | {"content": {"parts": {"text": "b"}}}]}))
    assert [bytes(text) for text in ask.inputs] == [b'"a"', b'"b"']
    assert (ask.dimensions, ask.encoding) == (8, "float")


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({"requests": []}, "requests"),
        ({"requests": [{}]}, "requests[0].content"),
        ({"content": {"parts": [{"text": 1}]}}, "content.parts.text"),
        ({"content": content("a"), "outputDimensionality": 0}, "outputDimensionality"),
        (
            {
                "requests": [
                    {"content": content("a"), "outputDimensionality": 8},
                    {"content": content("b")},
                ]
            },
            "requests",
        ),
        (
            {
                "requests": [
                    {"content": content("a"), "taskType": "CLUSTERING"},
                    {"content": content("b")},
                ]
            },
            "requests",
        ),
    ],
)
def test_what_is_wrong_is_named(value, param):
    with pytest.raises(Fault) as caught:
        CLIENTS.read_ask(fields(value))
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, param)


def test_pictures_are_not_for_other_vendors():
    value = {"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}}
    with pytest.raises(Fault) as caught:
        CLIENTS.read_ask(fields(value))
    assert caught.value.kind == Kind.UNSUPPORTED_FIELD


def test_a_task_without_a_meaning_elsewhere_is_kept_to_be_named():
    assert set(
        CLIENTS.read_ask(fields({"content": content("a"), "taskType": "SINGING"})).extra
    ) == {"taskType"}
    unsaid = {"content": content("a"), "taskType": "TASK_TYPE_UNSPECIFIED"}
    assert CLIENTS.read_ask(fields(unsaid)).extra == {}


def test_the_vendor_gets_a_batch_and_gives_it_back():
    value = {
        "requests": [
            {
                "content": content("a"),
                "taskType": "CLUSTERING",
                "outputDimensionality": 3,
                "title": "t",
            }
        ]
    }
    sent = json.loads(UPSTREAM.write(CLIENTS.read_ask(fields(value)), "gemini-embedding-001"))
    assert sent == {"requests": [value["requests"][0] | {"model": "models/gemini-embedding-001"}]}


def test_replies_of_one_and_of_many_are_read():
    one = UPSTREAM.read(b'{"embedding":{"values":[1]}}')
    assert ([bytes(v) for v in one.vectors], one.usage) == ([b"[1]"], UNKNOWN_USAGE)
    many = UPSTREAM.read(
        b'{"embeddings":[{"values":[1]},{"values":[2]}],"usageMetadata":{"promptTokenCount":4}}'
    )
    assert (len(many.vectors), many.usage.input_tokens, many.usage.output_tokens) == (2, 4, 0)
    assert UPSTREAM.read(b"{}") is None
    assert UPSTREAM.read(b"[") is None


def test_facts_are_usage_and_error():
    assert UPSTREAM.read_facts(b'{"error":{"code":400}}').error == b'{"code":400}'
    assert UPSTREAM.read_facts(b'{"usageMetadata":{"promptTokenCount":4}}').usage.input_tokens == 4
    assert UPSTREAM.read_facts(b"no") is None


def test_an_answer_has_the_shape_that_was_asked_for():
    answer = EmbeddingAnswer((msgspec.Raw(b'"AACAPw=="'),), Usage(4, 0))
    one = json.loads(CLIENTS.write_answer(answer, fields({"content": {}}), "m", None))
    assert one == {"embedding": {"values": [1.0]}, "usageMetadata": {"promptTokenCount": 4}}
    unknown = EmbeddingAnswer(answer.vectors, UNKNOWN_USAGE)
    many = json.loads(CLIENTS.write_answer(unknown, fields({"requests": []}), "m", None))
    assert many == {"embeddings": [{"values": [1.0]}]}


def test_replies_are_joined():
    first = b'{"embeddings":[{"values":[1]}],"usageMetadata":{"promptTokenCount":4}}'
    whole = json.loads(UPSTREAM.join([first, first.replace(b"[1]", b"[2]")]))
    assert [row["values"] for row in whole["embeddings"]] == [[1], [2]]
    assert whole["usageMetadata"] == {"promptTokenCount": 8}
    assert "usageMetadata" not in json.loads(UPSTREAM.join([first, b'{"embeddings":[]}']))


def test_one_of_the_same_form_goes_as_a_batch_of_one():
    own = fields({"content": content("a"), "taskType": "CLUSTERING"})
    sent = json.loads(batch(batch_of(own), "tuned/x"))
    assert sent == {
        "requests": [{"content": content("a"), "taskType": "CLUSTERING", "model": "tuned/x"}]
    }
    assert json.loads(unbatched(b'{"embeddings":[{"values":[1]}],"a":1}')) == {
        "embedding": {"values": [1]},
        "a": 1,
    }
    assert unbatched(b'{"embeddings":[]}') == b'{"embeddings":[]}'
    assert unbatched(b"{}") == b"{}"


def test_a_text_alone_is_asked_for_without_settings():
    sent = json.loads(UPSTREAM.write(CLIENTS.read_ask(fields({"content": content("a")})), "m"))
    assert sent == {"requests": [{"model": "models/m", "content": content("a")}]}
