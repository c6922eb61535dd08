"""The way of an attempt at embeddings: sameness where there is any, one form told in another, many requests for too many inputs."""

import json

import msgspec
import pytest

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Width
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.embeddings.passage import (
    MOST_REQUESTS,
    Joins,
    embedding_passage,
    form_of,
    slices,
)

THERE = Deployment("v", "v/embed-1", "embed-1", "openai_chat", operations=("embeddings",))


class NoMarks:
    def keep(self, call_id, signature):
        raise AssertionError

    def find(self, call_id):
        raise AssertionError


def call(body, dialect="openai_chat"):
    data = body if isinstance(body, bytes) else json.dumps({"model": "v/embed-1"} | body).encode()
    return Call(
        "c", dialect, "embeddings", "v/embed-1", read_fields(data), len(data), False, 0.0, 0.0
    )


def sent(way, body, deployment=THERE, dialect="openai_chat"):
    return way.outbound(call(body, dialect), deployment, frozenset(), NoMarks())


def answer(way, body, reply, usage=UNKNOWN_USAGE, cost=None, dialect="openai_chat"):
    return way.answer(call(body, dialect), reply, usage, cost, NoMarks())


def wide(most, *, is_fixed=False):
    return msgspec.structs.replace(THERE, width=Width(most, is_fixed))


SAME = embedding_passage("openai_chat", "openai_chat", "openai", 3)
COHERE = embedding_passage("openai_chat", "openai_chat", "cohere", 3)
GEMINI = embedding_passage("gemini", "gemini", "gemini", 3)


def test_a_vendors_row_says_the_form_or_the_dialect_does():
    assert form_of("openai_chat", "") == "openai"
    assert form_of("gemini", "") == "gemini"
    assert form_of("openai_chat", "cohere") == "cohere"


def test_the_same_form_goes_through_byte_for_byte():
    body = b'{"model":"v/embed-1","input":[ "a" ],"user":"u","dimensions" : 5}'
    assert SAME.is_identity
    assert sent(SAME, body).body == b'{"model":"embed-1","input":[ "a" ],"user":"u","dimensions":5}'
    reply = b'{"data":[{"embedding" : [1.50]}],"usage":{"total_tokens":1}}'
    assert answer(SAME, body, reply) == reply
    usage = Usage(1, 0, raw=b'{"total_tokens":1}')
    assert json.loads(answer(SAME, body, reply, usage, 500))["usage"] == {
        "total_tokens": 1,
        "cost": 5e-7,
    }


@pytest.mark.parametrize("way", [SAME, COHERE], ids=["same", "other"])
def test_n13_a_fixed_width_is_not_forwarded_and_any_other_is_refused(way):
    deployment = wide(768, is_fixed=True)
    assert b"dimension" not in sent(way, {"input": "a", "dimensions": 768}, deployment).body
    with pytest.raises(Fault) as caught:
        sent(way, {"input": "a", "dimensions": 512}, deployment)
    fault = caught.value
    assert (fault.kind, fault.status, fault.param) == (Kind.INVALID_REQUEST, 400, "dimensions")
    assert "768" in fault.message


@pytest.mark.parametrize("way", [SAME, COHERE], ids=["same", "other"])
@pytest.mark.parametrize(
    ("dimensions", "is_fine"), [(0, False), (1537, False), (512, True), (1536, True)]
)
def test_n14_up_to_the_most_is_forwarded(way, dimensions, is_fine):
    body = {"input": "a", "dimensions": dimensions}
    if is_fine:
        told = json.loads(sent(way, body, wide(1536)).body)
        assert told.get("dimensions", told.get("output_dimension")) == dimensions
        return
    with pytest.raises(Fault) as caught:
        sent(way, body, wide(1536))
    assert (caught.value.status, caught.value.param) == (400, "dimensions")


def test_null_dimensions_are_none():
    assert b"dimensions" not in sent(SAME, {"input": "a", "dimensions": None}, wide(5)).body
    assert sent(COHERE, {"input": "a", "dimensions": None}, wide(5)).dropped == ()


@pytest.mark.parametrize(
    ("reply", "encoding", "expected"),
    [
        (b'{"data":[{"object":"embedding","embedding":[1.0]}]}', "base64", "AACAPw=="),
        (b'{"data":[{"embedding": "AACAPw==" ,"object":"embedding"}]}', "float", [1.0]),
    ],
)
def test_a_server_that_ignores_the_encoding_is_translated(reply, encoding, expected):
    told = json.loads(answer(SAME, {"input": "a", "encoding_format": encoding}, reply))
    assert told["data"] == [{"object": "embedding", "index": 0, "embedding": expected}]


@pytest.mark.parametrize(
    ("encoding", "reply"),
    [
        (None, b'{"data":[{"embedding":"AACAPw=="}]}'),
        ("base64", b'{"data":[{"object":"embedding","embedding":"AACAPw=="}]}'),
        ("float", b'{"data":[{"object":"embedding","embedding":[1]}]}'),
        ("float", b'{"data":[]}'),
        ("int8", b'{"data":[{"embedding":"AACAPw=="}]}'),
    ],
)
def test_every_other_reply_of_the_same_form_stays(encoding, reply):
    assert answer(SAME, {"input": "a", "encoding_format": encoding}, reply) == reply


def test_another_form_is_asked_in_its_words_and_the_rest_is_named():
    out = sent(COHERE, {"input": "a", "user": "u", "truncate": "END", "input_type": "query"})
    assert json.loads(out.body) == {
        "model": "embed-1", "texts": ["a"], "input_type": "search_query", "embedding_types": ["float"], "truncate": "END"
    }  # fmt: skip
    assert (out.dropped, out.further) == (("user",), ())
    assert not COHERE.is_identity


def test_tokens_are_not_for_vendors_that_take_texts():
    with pytest.raises(Fault) as caught:
        sent(COHERE, {"input": [1, 2]})
    assert (caught.value.kind, caught.value.param) == (Kind.UNSUPPORTED_FIELD, "input")


REPLY = b'{"embeddings":{"float":[[1],[2]]},"meta":{"billed_units":{"input_tokens":3}}}'


def test_the_answer_is_in_the_clients_form():
    told = json.loads(answer(COHERE, {"input": ["a", "b"]}, REPLY, Usage(3, 0), 250))
    assert told == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [1]},
            {"object": "embedding", "index": 1, "embedding": [2]},
        ],
        "model": "v/embed-1",
        "usage": {"prompt_tokens": 3, "total_tokens": 3, "cost": 2.5e-7},
    }
    assert COHERE.read_reply(REPLY, "embeddings").usage.input_tokens == 3


@pytest.mark.parametrize(("texts", "reply"), [(["a"], REPLY), (["a", "b"], b"{}")])
def test_a_reply_that_does_not_fit_is_the_upstreams_fault(texts, reply):
    with pytest.raises(Fault) as caught:
        answer(COHERE, {"input": texts}, reply)
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE


@pytest.mark.parametrize("way", [SAME, COHERE], ids=["same", "other"])
def test_too_many_inputs_become_several_requests_in_order(way):
    texts = ["aaaa", "b", "c", "d", "e", "f", "g"]
    out = sent(way, {"input": texts, "user": "u", "models": ["x"]})
    parts = [json.loads(body) for body in (out.body, *out.further)]
    assert [part.get("input", part.get("texts")) for part in parts] == [
        texts[:3],
        texts[3:6],
        texts[6:],
    ]
    assert {part["model"] for part in parts} == {"embed-1"}
    assert all("models" not in part for part in parts)
    assert isinstance(way, Joins)


def test_far_too_many_are_refused_with_the_number_that_is_not():
    with pytest.raises(Fault) as caught:
        sent(SAME, {"input": ["text"] * (3 * MOST_REQUESTS + 1)})
    assert (caught.value.status, caught.value.param) == (400, "input")
    assert "192" in caught.value.message
    assert slices(("a",) * 5, None) == [("a",) * 5]


def test_what_cannot_be_joined_is_the_upstreams_fault():
    assert COHERE.read_reply(COHERE.join([REPLY, REPLY]), "embeddings").usage.input_tokens == 6
    with pytest.raises(Fault) as caught:
        COHERE.join([REPLY, b"x"])
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE


CONTENT = {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}


def test_gemini_to_gemini_takes_contents_of_all_kinds():
    out = sent(GEMINI, {"content": CONTENT}, dialect="gemini")
    assert json.loads(out.body) == {"requests": [{"content": CONTENT, "model": "models/embed-1"}]}
    reply = b'{"embeddings":[{"values":[1]}]}'
    assert (
        answer(GEMINI, {"content": CONTENT}, reply, dialect="gemini")
        == b'{"embedding":{"values":[1]}}'
    )
    assert answer(GEMINI, {"requests": [{"content": CONTENT}]}, reply, dialect="gemini") == reply


def test_gemini_to_gemini_splits_batches_too():
    out = sent(GEMINI, {"requests": [{"content": CONTENT}] * 4}, dialect="gemini")
    assert [len(json.loads(body)["requests"]) for body in (out.body, *out.further)] == [3, 1]


def test_gemini_is_answered_from_another_vendor():
    way = embedding_passage("gemini", "openai_chat", "openai")
    assert not way.is_identity
    body = {"content": {"parts": [{"text": "a"}]}, "title": "t"}
    out = sent(way, body, dialect="gemini")
    assert json.loads(out.body) == {
        "title": "t", "model": "embed-1", "input": ["a"], "encoding_format": "float"
    }  # fmt: skip
    reply = b'{"data":[{"embedding":[1]}],"usage":{"total_tokens":3}}'
    told = answer(way, body, reply, Usage(3, 0), dialect="gemini")
    assert json.loads(told) == {
        "embedding": {"values": [1]},
        "usageMetadata": {"promptTokenCount": 3},
    }


def test_other_dialects_do_not_ask_and_nothing_streams():
    with pytest.raises(Fault) as caught:
        embedding_passage("anthropic_messages", "openai_chat", "openai")
    assert caught.value.kind == Kind.API_KIND_NOT_SUPPORTED
    with pytest.raises(Fault):
        COHERE.stream(call({"input": "a"}), None, NoMarks())
