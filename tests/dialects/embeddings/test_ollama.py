"""Ollama's form."""

import json

import msgspec
import pytest

from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.embeddings.ask import EmbeddingAsk
from kilo_gateway.dialects.embeddings.ollama import OllamaUpstream

FORM = OllamaUpstream()
REPLY = b'{"embeddings":[[1],[2]],"prompt_eval_count":3,"model":"m"}'


def test_the_request_has_its_names():
    extra = {"truncate": msgspec.Raw(b"false"), "user": msgspec.Raw(b'"u"')}
    ask = EmbeddingAsk((msgspec.Raw(b'"a"'),), dimensions=8, extra=extra)
    assert json.loads(FORM.write(ask, "m")) == {
        "model": "m",
        "input": ["a"],
        "dimensions": 8,
        "truncate": False,
    }


def test_a_reply_tells_vectors_and_tokens():
    answer = FORM.read(REPLY)
    assert [bytes(one) for one in answer.vectors] == [b"[1]", b"[2]"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 0)


def test_an_error_in_a_reply_is_one():
    assert FORM.read_facts(b'{"error":"model not found"}').error == b'"model not found"'
    assert FORM.read_facts(REPLY).error is None
    assert FORM.read_facts(b'{"prompt_eval_count":-1}').usage == UNKNOWN_USAGE


@pytest.mark.parametrize("body", [b"{}", b"[]", b"x"])
def test_what_is_no_reply_is_none(body):
    assert FORM.read(body) is None


def test_no_json_has_no_facts():
    assert FORM.read_facts(b"x") is None


def test_replies_are_joined():
    whole = FORM.read(FORM.join([REPLY, REPLY]))
    assert (len(whole.vectors), whole.usage.input_tokens) == (4, 6)
