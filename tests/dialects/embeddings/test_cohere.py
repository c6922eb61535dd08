"""Cohere's form."""

import json

import msgspec
import pytest

from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.embeddings.ask import EmbeddingAsk
from kilo_gateway.dialects.embeddings.cohere import CohereUpstream

FORM = CohereUpstream()
REPLY = b'{"id":"x","embeddings":{"float":[[1],[2]]},"meta":{"billed_units":{"input_tokens":3}}}'


def written(**more):
    return json.loads(FORM.write(EmbeddingAsk((msgspec.Raw(b'"a"'),), **more), "embed-v4.0"))


def test_texts_are_documents_unless_said_otherwise():
    assert written() == {
        "model": "embed-v4.0", "texts": ["a"], "input_type": "search_document", "embedding_types": ["float"]
    }  # fmt: skip
    assert written(purpose="query")["input_type"] == "search_query"
    assert written(purpose="similarity")["input_type"] == "search_document"


def test_dimensions_and_own_members_go_on():
    extra = {"truncate": msgspec.Raw(b'"END"'), "user": msgspec.Raw(b'"u"')}
    sent = written(dimensions=256, extra=extra)
    assert (sent["output_dimension"], sent["truncate"], "user" in sent) == (256, "END", False)


def test_a_reply_tells_vectors_and_what_is_charged():
    answer = FORM.read(REPLY)
    assert [bytes(one) for one in answer.vectors] == [b"[1]", b"[2]"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 0)
    assert FORM.read_facts(REPLY).usage == answer.usage


@pytest.mark.parametrize(
    "meta", ["{}", "null", '{"billed_units":{}}', '{"billed_units":{"input_tokens":-1}}']
)
def test_what_is_not_told_is_unknown(meta):
    assert FORM.read_facts(f'{{"meta":{meta}}}'.encode()).usage == UNKNOWN_USAGE


@pytest.mark.parametrize("body", [b"{}", b"[]", b"x", b'{"embeddings":{"int8":[]}}'])
def test_what_is_no_reply_is_none(body):
    assert FORM.read(body) is None


def test_no_json_has_no_facts():
    assert FORM.read_facts(b"x") is None


def test_replies_are_joined():
    whole = FORM.join([REPLY, REPLY])
    assert len(FORM.read(whole).vectors) == 4
    assert FORM.read(whole).usage.input_tokens == 6
    assert FORM.read(FORM.join([REPLY, b'{"embeddings":{"float":[]}}'])).usage == UNKNOWN_USAGE
